"""Walks the groups of a search in both directions, over whatever page links an upstream gives.

A *spot* is a group and where it stands. Upstreams that page by numbers (`_offset` echoed in the
`self` link) are entered at any group; others are entered at the start of a page and skipped into.
Used by `connection`.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from group_gateway.errors import BadUserInput, UpstreamInvalidResponse, UpstreamSearchUnsupported
from group_gateway.fhir.bundle import PageLink, Query, Searchset
from group_gateway.fhir.resource import GroupResource
from group_gateway.groups.filters import GroupFilter
from group_gateway.groups.knowledge import UpstreamKnowledge
from group_gateway.groups.pages import SearchPages
from group_gateway.groups.plans import covers, judge, parameters_for
from group_gateway.operation import Operation

PAGE_SIZE = 100
"""Groups asked for in one page: the most that the upstream gives."""
_PAGING = frozenset({"_count", "_offset"})
SCAN_PAGES = 20
"""Pages looked through for one answer when the upstream can't filter by itself."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a search: the page behind `link`, and an index in it.

    `offset` is the number of groups before the page, where the upstream pages by numbers.
    `filtered` tells that the upstream applied the whole filter.
    """

    link: PageLink
    index: int
    offset: int | None
    filtered: bool

    def to_json(self) -> list[Any]:
        """Give the position for a cursor."""
        link = self.link
        return [link.query, link.at_base, self.index, self.offset, self.filtered]

    @classmethod
    def from_json(cls, position: list[Any]) -> "Spot":
        """Read a position that `to_json` gave."""
        query, at_base, index, offset, filtered = position
        link = PageLink(tuple((name, value) for name, value in query), at_base)
        return cls(link, index, offset, filtered)


class Step(NamedTuple):
    """A group that fits, its place, and whether another follows (None: only a look can tell)."""

    group: GroupResource
    spot: Spot
    more: bool | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a walk: its groups, its own place, and whether the filter was applied."""

    content: Searchset
    spot: Spot

    def spots(self, start: int, stop: int | None = None) -> list[tuple[GroupResource, Spot]]:
        """Give the groups from index `start` up to `stop`, each with its place."""
        stop = len(self.content.groups) if stop is None else stop
        return [
            (group, replace(self.spot, index=start + i))
            for i, group in enumerate(self.content.groups[start:stop])
        ]

    @property
    def next(self) -> PageLink | None:
        """The link to the page after this one."""
        return self.content.links.get("next")

    @property
    def is_last(self) -> bool:
        """Whether nothing follows."""
        return self.next is None

    @property
    def is_first(self) -> bool:
        """Whether nothing comes before."""
        if self.spot.offset is not None:
            return self.spot.offset == 0
        return "previous" not in self.content.links


class Walk:
    """One search of one operation. Groups that don't fit the filter are passed over."""

    def __init__(
        self,
        pages: SearchPages,
        knowledge: UpstreamKnowledge,
        operation: Operation,
        wanted: GroupFilter,
    ) -> None:
        self._pages = pages
        self._knowledge = knowledge
        self._operation = operation
        self._wanted = wanted
        self._seen: set[PageLink] = set()

    async def start(self, count: int) -> Page:
        """Fetch the first page, with parameters that the upstream applies if it has any."""
        refused: frozenset[str] = frozenset()
        while True:
            query = parameters_for(self._wanted, self._knowledge, refused)
            size = count if covers(query, self._wanted) else PAGE_SIZE
            link = _numbered(query, 0, size)
            try:
                content = await self._pages.get(self._operation, link)
            except BadUserInput:
                if not query:
                    raise
                refused |= {query[-1][0]}
                continue
            verdict = judge(query, self._wanted, content)
            for name in verdict.ignored:
                self._knowledge.parameter(name).learn(works=False)
            kept = tuple(pair for pair in query if pair[0] not in verdict.ignored)
            if parameters_for(self._wanted, self._knowledge, refused) == kept:
                filtered = verdict.applied and covers(kept, self._wanted)
                return self._page(link, content, filtered=filtered)

    async def forward(self, page: Page, start: int = 0) -> AsyncIterator[Step]:
        """Give what fits, from index `start` of `page` on."""
        while True:
            final = len(page.content.groups) - 1 if page.is_last else -1
            for group, spot in page.spots(start):
                if self._wanted.fits(group):
                    yield Step(group, spot, self._certain(spot, more=spot.index != final))
            if page.next is None:
                return
            page, start = await self.follow(page.next, filtered=page.spot.filtered), 0

    async def backward(self, page: Page, stop: int | None = None) -> AsyncIterator[Step]:
        """Give what fits, from before index `stop` of `page` back to the beginning."""
        while True:
            for group, spot in reversed(page.spots(0, stop)):
                if self._wanted.fits(group):
                    more = spot.index > 0 or not page.is_first
                    yield Step(group, spot, self._certain(spot, more=more))
            before = await self._page_before(page)
            if before is None:
                return
            page, stop = before, None

    def _certain(self, spot: Spot, *, more: bool) -> bool | None:
        return more if spot.filtered or self._wanted.is_empty() else None

    async def after(self, spot: Spot, count: int) -> tuple[Page, int]:
        """Enter behind a spot; give the page and the index to go on from."""
        if spot.offset is None:
            return await self.follow(spot.link, filtered=spot.filtered), spot.index + 1
        size = count if spot.filtered else PAGE_SIZE
        link = _renumbered(spot.link, spot.offset + spot.index + 1, size)
        return await self.follow(link, filtered=spot.filtered), 0

    async def before(self, spot: Spot, count: int) -> tuple[Page, int | None] | None:
        """Enter in front of a spot; None when there is nothing in front of it."""
        if spot.offset is None:
            return await self.follow(spot.link, filtered=spot.filtered), spot.index
        size = count if spot.filtered else PAGE_SIZE
        page = await self._numbered_before(spot, spot.offset + spot.index, size)
        return None if page is None else (page, None)

    async def total(self, page: Page) -> int | None:
        """Count all groups that fit, given any page; None when the upstream does not say."""
        if not page.spot.filtered:
            return sum([1 async for _ in self.forward(await self.start(PAGE_SIZE))])
        return await self._counted(page)

    async def _counted(self, page: Page) -> int | None:
        """Give the upstream's own count of what its search finds; some count only when asked."""
        if page.content.total is not None:
            return page.content.total
        kept = tuple(pair for pair in page.spot.link.query if pair[0] not in _PAGING)
        link = replace(_numbered(kept, 0, 1), at_base=page.spot.link.at_base)
        asked = PageLink((*link.query, ("_total", "accurate")), link.at_base)
        try:
            return (await self._pages.get(self._operation, asked)).total
        except BadUserInput:  # it refuses what it does not know
            return None

    async def last(self, first: Page) -> Page:
        """Find the last page, from the first one."""
        page = first if first.is_last else await self._leap(first)
        while page.next is not None:  # no leap, or not far enough: groups were added meanwhile
            page = await self.follow(page.next, filtered=page.spot.filtered)
        return page

    async def _leap(self, page: Page) -> Page:
        """Go to the end by the upstream's count of groups, or by its `last` link."""
        link = page.content.links.get("last")
        if page.spot.offset is not None:
            size = len(page.content.groups)
            count = page.content.total if link else await self._counted(page)
            link = _renumbered(page.spot.link, max(0, count - size), size) if count else link
        return page if link is None else await self._enter(link, filtered=page.spot.filtered)

    async def follow(self, link: PageLink, *, filtered: bool) -> Page:
        """Fetch the page behind an upstream's link; bounded, and never the same one twice."""
        if link in self._seen:
            raise UpstreamInvalidResponse("The upstream's page links lead in a circle.")
        return await self._enter(link, filtered=filtered)

    async def _enter(self, link: PageLink, *, filtered: bool) -> Page:
        if not filtered and not self._wanted.is_empty() and len(self._seen) >= SCAN_PAGES:
            raise UpstreamSearchUnsupported(
                "The upstream does not search by what was asked for, and the answer was not among"
                f" the first {SCAN_PAGES * PAGE_SIZE} groups. Ask for less at a time, or narrow"
                " the filter by type."
            )
        return self._page(link, await self._pages.get(self._operation, link), filtered=filtered)

    def _page(self, link: PageLink, content: Searchset, *, filtered: bool) -> Page:
        self._seen.add(link)
        return Page(content, Spot(link, 0, _offset(content), filtered))

    async def _page_before(self, page: Page) -> Page | None:
        if page.spot.offset is not None:
            return await self._numbered_before(page.spot, page.spot.offset, PAGE_SIZE)
        link = page.content.links.get("previous")
        return None if link is None else await self.follow(link, filtered=page.spot.filtered)

    async def _numbered_before(self, spot: Spot, end: int, size: int) -> Page | None:
        """Fetch the page that ends right before number `end`, however few the upstream gives."""
        while end > 0:
            start = max(0, end - size)
            link = _renumbered(spot.link, start, end - start)
            page = await self._enter(link, filtered=spot.filtered)
            got = len(page.content.groups)
            if got >= end - start or got == 0:
                return page
            size = got
        return None


def _numbered(query: Query, offset: int, count: int) -> PageLink:
    return PageLink((*query, ("_count", str(count)), ("_offset", str(offset))))


def _renumbered(link: PageLink, offset: int, count: int) -> PageLink:
    query = tuple(pair for pair in link.query if pair[0] not in _PAGING)
    return replace(_numbered(query, offset, min(count, PAGE_SIZE)), at_base=link.at_base)


def _offset(content: Searchset) -> int | None:
    """Give the number of groups before the page, as the upstream itself counts.

    Some leave the `_offset` of the first page out; then that of the next page tells.
    """
    own = _number(content.links.get("self"))
    if own is None and _number(content.links.get("next")) == len(content.groups):
        return 0
    return own


def _number(link: PageLink | None) -> int | None:
    text = link.parameter("_offset") if link is not None else None
    return int(text) if text is not None and text.isdecimal() else None
