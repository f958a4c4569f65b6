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
from group_gateway.fhir.page_link import PageLink
from group_gateway.groups.reading.capabilities.paging_support import COUNT, OFFSET
from group_gateway.groups.reading.pages.page_numbers import (
    PAGE_SIZE,
    begin_of,
    is_exact,
    is_full,
    is_ours,
    next_of,
    number_in,
    requested_offset,
)

LARGEST_REQUEST = 1000
"""Groups requested at once from an upstream that links no pages."""
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
    may_be_cut: bool
    next: PageLink | None
    begin: int | None
    exact: bool
    cap: int | None

    @classmethod
    def of(cls, content: Searchset, link: PageLink, *, may_be_cut: bool) -> "_Continuation":
        """Determine it."""
        begin = begin_of(content, link)
        exact = begin is not None and is_exact(content, begin)
        is_capped = exact and "next" in content.links and not is_full(content, link)
        cap = len(content.entries) if is_capped and content.entries else None
        following = next_of(content, link, may_be_cut=may_be_cut)
        return cls(link, may_be_cut, following, begin, exact, cap)


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
    def of(
        cls, content: Searchset, link: PageLink, *, filtered: bool, may_be_cut: bool = False
    ) -> "Page":
        """Return a page that was fetched with `link`, with how it continues.

        `may_be_cut` is whether more groups may follow although nothing says so.
        """
        known: _Continuation | None = content.__dict__.get(_KEPT)
        if known is None or known.link != link or known.may_be_cut is not may_be_cut:
            known = _Continuation.of(content, link, may_be_cut=may_be_cut)
            content.__dict__[_KEPT] = known
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
        requested, total = number_in(self.link.parameter(COUNT)), self.content.total
        is_all = total is not None and total <= requested_offset(self.link) + len(self.entries)
        return requested is not None and len(self.entries) == requested and not is_all

    @property
    def is_short(self) -> bool:
        """Whether it holds several groups, fewer than were requested, and nothing leads on."""
        requested = number_in(self.link.parameter(COUNT)) or PAGE_SIZE
        is_last = self.next is None and self.content.total is None
        return is_last and 1 < len(self.entries) < requested

    @property
    def is_lowered(self) -> bool:
        """Whether it is full by the server's own words, with fewer groups than were requested."""
        own = self.content.links.get("self")
        stated = None if own is None else number_in(own.parameter(COUNT))
        requested = number_in(self.link.parameter(COUNT)) or PAGE_SIZE
        return stated == len(self.entries) < requested

    @property
    def is_cut(self) -> bool:
        """Whether more pages may follow: a `next` link, or a full page without a total."""
        if self.content.total is None and "self" in self.content.links:
            return self.is_linked or self.is_lowered
        return self.is_linked or self.is_filled

    def shows_more_than(self, total: int) -> bool:
        """Return whether the page, with its `next` link, contradicts this total."""
        shown = (self.begin or 0) + len(self.ids)
        return shown > total or (self.is_linked and 0 < shown == total)

    @property
    def is_first(self) -> bool:
        """Whether it is known to be the first page."""
        if self.begin is not None:
            return self.begin == 0
        return is_ours(self.link) and requested_offset(self.link) == 0

    @property
    def leads_back(self) -> bool:
        """Whether there is a page before it and a way to it."""
        return not self.is_first and (self.begin is not None or "previous" in self.content.links)

    @property
    def reach(self) -> int | None:
        """The number of groups up to its last one, as stated or requested; None without either."""
        begin = requested_offset(self.link) or None if self.begin is None else self.begin
        return None if begin is None else begin + len(self.ids)

    def is_beyond(self, total: int | None) -> bool:
        """Return whether it is empty, as it must be after so many groups."""
        return not self.entries and total is not None and (self.reach or 0) >= total

    @property
    def leads_to_earlier(self) -> bool:
        """Whether the next page has no higher offset than was requested for this one."""
        following = None if self.next is None else number_in(self.next.parameter(OFFSET))
        requested = requested_offset(self.link)
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
        end = number_in(following.parameter(OFFSET)) if following is not None else None
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
        requested = requested_offset(self.link)
        if self.begin is None and requested > 0 and self.entries:
            raise InconsistentNumbers
        return requested if self.begin is None else self.begin
