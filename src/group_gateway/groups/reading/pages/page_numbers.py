"""Numbers in the links of pages: where a page begins and whether more follow it. Pure."""

from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.page_link import GROUP, NOWHERE, PageLink, Query
from group_gateway.groups.reading.capabilities.paging_support import COUNT, OFFSET
from group_gateway.groups.reading.filters.fhir_parameters import PARAMETERS
from group_gateway.groups.reading.filters.filter_table import PARAMETER_NAMES
from group_gateway.groups.reading.filters.search_criteria import FILTER, SORT

PAGE_SIZE = 100
"""Groups requested in one page: the most that the upstream returns."""
_PAGING = frozenset({COUNT, OFFSET})
_OURS = _PAGING | PARAMETER_NAMES | PARAMETERS.keys() | {FILTER, SORT}
"""Parameters of the gateway's own searches. A link with any other one is an upstream's
extension."""
_DIGITS = 12


def with_numbers(link: PageLink, paging: Query) -> PageLink:
    """Return the link to another page of the same search, by its paging parameters."""
    filters = tuple(pair for pair in link.query if pair[0] not in _PAGING)
    return PageLink((*filters, *paging), link.path)


def is_oversized(content: Searchset, link: PageLink) -> bool:
    """Return whether a page holds groups that its `next` link repeats, by their offsets."""
    following = content.links.get("next")
    end = None if following is None else number_in(following.parameter(OFFSET))
    return end is not None and end < requested_offset(link) + len(content.entries)


def begin_of(content: Searchset, link: PageLink) -> int | None:
    """Return the page's offset if there is proof that the upstream pages by offset.

    Servers may echo an `_offset` that they ignore, omit it when it is 0, or always omit it.
    """
    own, following = content.links.get("self"), content.links.get("next")
    if own is None:
        return None
    stated, requested = own.parameter(OFFSET), requested_offset(link)
    begin = requested if stated is None else number_in(stated)
    if begin is None:
        return None
    end = None if following is None else number_in(following.parameter(OFFSET))
    leads_on = following not in {None, NOWHERE} and (end is None or begin < end or begin == 0)
    if not leads_on:
        is_last = stated is not None or content.total == begin + len(content.entries)
        return begin or None if is_last else None
    return begin if end is not None and end >= begin + max(len(content.entries), 1) else None


def is_exact(content: Searchset, begin: int) -> bool:
    """Return whether the offsets of a page that begins there count single groups."""
    end, following = begin + len(content.entries), content.links.get("next")
    if following is not None:
        return following.parameter("_offset") == str(end)
    return content.total is None or content.total <= end


def next_of(content: Searchset, link: PageLink, *, may_be_cut: bool) -> PageLink | None:
    """Return the link to the next page.

    FHIR has no `next` on the last page. But that says nothing if no page is linked at all: then the
    next numbers are worth a try, unless there is clearly nothing more. `may_be_cut`: a server that
    links no pages may show fewer groups than are requested.
    """
    given = content.links.get("next")
    if given is not None or not content.entries:
        return given
    can_be_numbered = is_ours(link) and not dict(link.query).keys().isdisjoint({OFFSET, "_id"})
    end = requested_offset(link) + len(content.entries)
    is_more_counted = content.total is not None and content.total > end
    if not can_be_numbered or not (is_more_counted or content.links.keys() <= {"self"}):
        return None
    requested = number_in(link.parameter("_count")) or PAGE_SIZE
    if content.total is not None:
        is_last = content.total <= end
    else:
        is_full = len(content.entries) >= requested or may_be_cut
        is_last = "self" in content.links and not is_full
    if is_last:
        return None
    counted = () if link.parameter(COUNT) is None else ((COUNT, str(requested)),)
    return with_numbers(link, (*counted, (OFFSET, str(end))))


def is_full(content: Searchset, link: PageLink) -> bool:
    """Return whether a page holds as many groups as were requested."""
    requested = number_in(link.parameter(COUNT))
    return requested is not None and len(content.entries) >= requested


def is_ours(link: PageLink) -> bool:
    """Return whether a link has only parameters of the gateway's own searches."""
    return link.path == GROUP and all(name in _OURS for name, _ in link.query)


def requested_offset(link: PageLink) -> int:
    """Return the offset that a link requests; 0 without one."""
    return number_in(link.parameter("_offset")) or 0


def number_in(text: str | None) -> int | None:
    """Return the number that a text is, None for any other text."""
    return (
        int(text)
        if text is not None and text.isascii() and text.isdecimal() and len(text) <= _DIGITS
        else None
    )
