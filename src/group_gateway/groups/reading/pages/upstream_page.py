"""Pages of a search as an upstream links and numbers them. Pure.

Servers page by offset (`_offset` in the page links), by opaque `next` links, or advertise neither.
For the last kind the next offset is requested all the same, so that results are never silently
truncated.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.page_link import GROUP, NOWHERE, PageLink, Query
from group_gateway.groups.reading.capabilities.paging_support import COUNT, OFFSET
from group_gateway.groups.reading.filters.fhir_parameters import PARAMETERS
from group_gateway.groups.reading.filters.filter_table import PARAMETER_NAMES
from group_gateway.groups.reading.filters.search_criteria import FILTER, SORT

PAGE_SIZE = 100
"""Groups requested in one page: the most that the upstream returns."""
LARGEST_REQUEST = 1000
"""Groups requested at once from an upstream that links no pages."""
_PAGING = frozenset({COUNT, OFFSET})
_OURS = _PAGING | PARAMETER_NAMES | PARAMETERS.keys() | {FILTER, SORT}
"""Parameters of the gateway's own searches. A link with any other one is an upstream's
extension."""
_DIGITS = 12
_KEPT = "_continuation"
"""The memo key under which a parsed page keeps its continuation."""


class InconsistentNumbers(UpstreamInvalidResponse):
    """The numbers in an upstream's page links contradict what is on the pages."""

    def __init__(self) -> None:
        super().__init__("The upstream's page links have inconsistent offsets.")


class _Continuation(NamedTuple):
    """How a page that was fetched with `link` continues; see `Page`.

    It does not refer to the page's content, which keeps it: a cycle would keep each page in memory
    until the garbage collector runs.
    """

    link: PageLink
    next: PageLink | None
    begin: int | None
    exact: bool
    cap: int | None

    @classmethod
    def of(cls, content: Searchset, link: PageLink) -> "_Continuation":
        """Determine it."""
        begin = _begin(content, link)
        exact = begin is not None and _is_exact(content, begin)
        is_capped = exact and "next" in content.links and not _is_full(content, link)
        cap = len(content.entries) if is_capped and content.entries else None
        return cls(link, _next(content, link), begin, exact, cap)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a search: its groups, the link that led to it, and how to continue.

    `next` leads on; None on the last page. `begin` is the number of groups before the page, where
    the upstream pages by offset. `exact` is whether its offsets count single groups: servers may
    hide groups after counting. `cap` is how many groups the upstream returns at most, if that is
    fewer than were requested.
    """

    content: Searchset
    link: PageLink
    filtered: bool
    next: PageLink | None
    begin: int | None
    exact: bool
    cap: int | None

    @classmethod
    def of(cls, content: Searchset, link: PageLink, *, filtered: bool) -> "Page":
        """Return a page that was fetched with `link`, with how it continues."""
        known: _Continuation | None = content.__dict__.get(_KEPT)
        if known is None or known.link != link:
            known = content.__dict__[_KEPT] = _Continuation.of(content, link)
        return cls(content, link, filtered, known.next, known.begin, known.exact, known.cap)

    @property
    def groups(self) -> tuple[GroupResource, ...]:
        """The groups on it."""
        return self.content.groups

    @property
    def entries(self) -> tuple[GroupResource | None, ...]:
        """The groups on it, and None for each invalid entry."""
        return self.content.entries

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the groups on it."""
        return self.content.ids

    def place(self, index: int, id: str) -> list[Any]:
        """Return the position of one of its groups as JSON values; see `PagePosition`."""
        link, offset = self.link, self.begin if self.exact else None
        total = None if offset is None else self.content.total
        return [link.query, link.path, link.text, index, offset, self.filtered, id, total]

    @property
    def is_linked(self) -> bool:
        """Whether the upstream itself links a next page."""
        return "next" in self.content.links

    @property
    def is_filled(self) -> bool:
        """Whether it holds exactly as many groups as were requested, and not all that there are.

        A page with more shows that the upstream does not go by the requested number.
        """
        requested, total = _number(self.link.parameter(COUNT)), self.content.total
        is_all = total is not None and total <= _requested_offset(self.link) + len(self.entries)
        return requested is not None and len(self.entries) == requested and not is_all

    @property
    def is_cut(self) -> bool:
        """Whether more pages may follow: a `next` link, or a full page without a total."""
        trusted = self.content.total is None and "self" in self.content.links
        return self.is_linked or (self.is_filled and not trusted)

    def shows_more_than(self, total: int) -> bool:
        """Return whether the page, with its `next` link, contradicts this total."""
        shown = (self.begin or 0) + len(self.ids)
        return shown > total or (self.is_linked and 0 < shown == total)

    @property
    def is_first(self) -> bool:
        """Whether it is known to be the first page."""
        if self.begin is not None:
            return self.begin == 0
        return _is_ours(self.link) and _requested_offset(self.link) == 0

    @property
    def leads_back(self) -> bool:
        """Whether there is a page before it and a way to it."""
        return not self.is_first and (self.begin is not None or "previous" in self.content.links)

    @property
    def reach(self) -> int | None:
        """The number of groups up to its last one, as stated or requested; None without either."""
        begin = _requested_offset(self.link) or None if self.begin is None else self.begin
        return None if begin is None else begin + len(self.ids)

    def is_beyond(self, total: int | None) -> bool:
        """Return whether it is empty, as it must be after so many groups."""
        return not self.entries and total is not None and (self.reach or 0) >= total

    @property
    def leads_to_earlier(self) -> bool:
        """Whether the next page has no higher offset than was requested for this one."""
        following = None if self.next is None else _number(self.next.parameter(OFFSET))
        requested = _requested_offset(self.link)
        return following is not None and 0 < requested >= following

    @property
    def goes_on(self) -> bool | None:
        """Whether more groups follow its last one; None when only a request can show that."""
        if self.next is None:
            return False
        total = self.content.total
        doubtful = self.exact and total is not None and self.end >= total
        return True if self.is_linked and not doubtful else None

    @property
    def end(self) -> int:
        """The number of groups before the next page, on a page that was requested by offset."""
        following = self.content.links.get("next")
        end = _number(following.parameter(OFFSET)) if following is not None else None
        return self._start + len(self.entries) if end is None or self.leads_to_earlier else end

    def index_of(self, number: int) -> int:
        """Return how many of its groups precede the one of a number.

        Raises InconsistentNumbers.
        """
        if number >= self.end:
            return len(self.entries)
        index = number - self._start
        if index < 0 or (index > 0 and not self.exact):
            raise InconsistentNumbers
        return index

    @property
    def _start(self) -> int:
        requested = _requested_offset(self.link)
        if self.begin is None and requested > 0 and self.entries:
            raise InconsistentNumbers
        return requested if self.begin is None else self.begin


def with_numbers(link: PageLink, paging: Query) -> PageLink:
    """Return the link to another page of the same search, by its paging parameters."""
    filters = tuple(pair for pair in link.query if pair[0] not in _PAGING)
    return PageLink((*filters, *paging), link.path)


def is_oversized(content: Searchset, link: PageLink) -> bool:
    """Return whether a page holds groups that its `next` link repeats, by their offsets."""
    following = content.links.get("next")
    end = None if following is None else _number(following.parameter(OFFSET))
    return end is not None and end < _requested_offset(link) + len(content.entries)


def _begin(content: Searchset, link: PageLink) -> int | None:
    """Return the page's offset if there is proof that the upstream pages by offset.

    Servers may echo an `_offset` that they ignore, omit it when it is 0, or always omit it.
    """
    own, following = content.links.get("self"), content.links.get("next")
    if own is None:
        return None
    stated, requested = own.parameter(OFFSET), _requested_offset(link)
    begin = requested if stated is None else _number(stated)
    if begin is None:
        return None
    end = None if following is None else _number(following.parameter(OFFSET))
    leads_on = following not in {None, NOWHERE} and (end is None or begin < end or begin == 0)
    if not leads_on:
        is_last = stated is not None or content.total == begin + len(content.entries)
        return begin or None if is_last else None
    return begin if end is not None and end >= begin + max(len(content.entries), 1) else None


def _is_exact(content: Searchset, begin: int) -> bool:
    end, following = begin + len(content.entries), content.links.get("next")
    if following is not None:
        return following.parameter("_offset") == str(end)
    return content.total is None or content.total <= end


def _next(content: Searchset, link: PageLink) -> PageLink | None:
    """Return the link to the next page.

    FHIR has no `next` on the last page. But that says nothing if no page is linked at all: then the
    next numbers are worth a try, unless there is clearly nothing more.
    """
    given = content.links.get("next")
    if given is not None or not content.entries:
        return given
    can_be_numbered = _is_ours(link) and not dict(link.query).keys().isdisjoint({OFFSET, "_id"})
    end = _requested_offset(link) + len(content.entries)
    is_more_counted = content.total is not None and content.total > end
    if not can_be_numbered or not (is_more_counted or content.links.keys() <= {"self"}):
        return None
    requested = _number(link.parameter("_count")) or PAGE_SIZE
    if content.total is not None:
        is_last = content.total <= end
    else:
        is_last = "self" in content.links and len(content.entries) < requested
    if is_last:
        return None
    counted = () if link.parameter(COUNT) is None else ((COUNT, str(requested)),)
    return with_numbers(link, (*counted, (OFFSET, str(end))))


def _is_full(content: Searchset, link: PageLink) -> bool:
    """Return whether a page holds as many groups as were requested."""
    requested = _number(link.parameter(COUNT))
    return requested is not None and len(content.entries) >= requested


def _is_ours(link: PageLink) -> bool:
    return link.path == GROUP and all(name in _OURS for name, _ in link.query)


def _requested_offset(link: PageLink) -> int:
    return _number(link.parameter("_offset")) or 0


def _number(text: str | None) -> int | None:
    return (
        int(text)
        if text is not None and text.isascii() and text.isdecimal() and len(text) <= _DIGITS
        else None
    )
