"""Pages of a search as an upstream links and numbers them, and places on them. Pure.

Some upstreams number their groups (`_offset` in the page links), so that any group can be entered
at; some only link a page to the next; some do neither, and are then asked for the next numbers
all the same, so that nothing is cut off in silence. Used by `search` and `walk`.
"""

from dataclasses import dataclass
from typing import Any

from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.fhir.bundle import PageLink, Query, Searchset
from group_gateway.fhir.resource import GroupResource

PAGE_SIZE = 100
"""Groups asked for in one page: the most that the upstream gives."""
_PAGING = frozenset({"_count", "_offset"})
_OURS = _PAGING | {"_id", "type", "patient", "member"}
"""Parameters of our own searches; a link with any other one is an upstream's invention."""
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Spot:
    """The place of a group: an index on the page behind `link`.

    `offset` is the number of groups before that page, None where only links lead on. `filtered`
    tells that the upstream applied the whole filter.
    """

    link: PageLink
    index: int
    offset: int | None
    filtered: bool

    @property
    def number(self) -> int | None:
        """How many groups come before this one, where the upstream numbers them."""
        return None if self.offset is None else self.offset + self.index

    def to_json(self) -> list[Any]:
        """Give the place for a cursor."""
        return [self.link.query, self.link.at_base, self.index, self.offset, self.filtered]

    @classmethod
    def from_json(cls, place: list[Any]) -> "Spot":
        """Read a place that `to_json` gave."""
        query, at_base, index, offset, filtered = place
        link = PageLink(tuple((name, value) for name, value in query), at_base)
        return cls(link, index, offset, filtered)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a search: its groups, the link that led to it, and how to go on from it.

    `begin` is the number of groups before it by its own `self` link. `offset` is the same where
    the page's numbers add up, so that they can be relied on. `next` leads on; None on the last.
    """

    content: Searchset
    link: PageLink
    filtered: bool
    begin: int | None
    offset: int | None
    next: PageLink | None

    @classmethod
    def of(cls, content: Searchset, link: PageLink, *, filtered: bool) -> "Page":
        """Work out how a page that was fetched with `link` goes on."""
        begin = _begin(content)
        return cls(content, link, filtered, begin, _offset(content, begin), _next(content, link))

    @property
    def groups(self) -> tuple[GroupResource, ...]:
        """The groups on it."""
        return self.content.groups

    @property
    def ids(self) -> list[str]:
        """The ids of the groups on it."""
        return [group.id for group in self.content.groups]

    def spot(self, index: int) -> Spot:
        """Give the place of one of its groups."""
        return Spot(self.link, index, self.offset, self.filtered)

    def index_of(self, number: int) -> int:
        """Give the index of a group by its number, on a page that was asked for by numbers.

        It may lie behind the last one. Raises UpstreamInvalidResponse when it lies before.
        """
        begin = _asked_offset(self.link) if self.begin is None else self.begin
        if begin > number:
            raise UpstreamInvalidResponse("The upstream left out groups between two pages.")
        return number - begin

    @property
    def is_first(self) -> bool:
        """Whether it is known to be the first page."""
        if self.offset is not None:
            return self.offset == 0
        return _is_ours(self.link) and _asked_offset(self.link) == 0

    @property
    def leads_back(self) -> bool:
        """Whether there is a page before it, and a known way there."""
        return not self.is_first and (self.offset is not None or "previous" in self.content.links)

    @property
    def goes_on(self) -> bool | None:
        """Whether more follows its last group; None when only a look can tell."""
        if self.next is None:
            return False
        total = self.content.total
        if "next" not in self.content.links:
            return None if total is None else True
        if total is None or self.offset is None or self.offset + len(self.groups) < total:
            return True
        return None  # by its total this page is the last one, yet it has a next

    @property
    def cap(self) -> int | None:
        """How many groups the upstream gives at most, where that is fewer than were asked for."""
        asked = _number(self.link.parameter("_count") or "") or 0
        got = len(self.groups)
        return got if 0 < got < asked and "next" in self.content.links else None


def numbered(link: PageLink, offset: int, count: int) -> PageLink:
    """Give the link to `count` groups of the same search, from number `offset` on."""
    filters = tuple(pair for pair in link.query if pair[0] not in _PAGING)
    return PageLink((*filters, *numbers(offset, count)), link.at_base)


def numbers(offset: int, count: int) -> Query:
    """Give the parameters that ask for a page by numbers, as FHIR's documents show them."""
    return (("_count", str(count)), ("_offset", str(offset)))


def _begin(content: Searchset) -> int | None:
    own = content.links.get("self")
    # Some servers leave `_offset` out of the link when it is 0.
    return None if own is None else _number(own.parameter("_offset") or "0")


def _offset(content: Searchset, begin: int | None) -> int | None:
    """Give the page's first number if there is proof that the upstream counts as we do.

    Servers may echo an `_offset` that means nothing to them, or hide groups after they counted.
    """
    if begin is None:
        return None
    end = begin + len(content.groups)
    following = content.links.get("next")
    if following is not None:
        proven = following.parameter("_offset") == str(end)
    else:
        proven = begin > 0 and (content.total is None or content.total <= end)
    return begin if proven else None


def _next(content: Searchset, link: PageLink) -> PageLink | None:
    """Give the link to the next page.

    FHIR has no `next` on the last page. But that says nothing where no page is linked at all.
    """
    given = content.links.get("next")
    if given is not None or not content.groups:
        return given
    if not _is_ours(link) or not content.links.keys() <= {"self"}:
        return None
    if content.total is None and content.links:
        return None
    end = _asked_offset(link) + len(content.groups)
    if content.total is not None and content.total <= end:
        return None
    return numbered(link, end, _number(link.parameter("_count") or "") or PAGE_SIZE)


def _is_ours(link: PageLink) -> bool:
    return all(name in _OURS for name, _ in link.query)


def _asked_offset(link: PageLink) -> int:
    return _number(link.parameter("_offset") or "") or 0


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else None
