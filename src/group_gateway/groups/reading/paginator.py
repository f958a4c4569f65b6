"""Walks the groups of a search in both directions, over whatever pages an upstream gives.

Upstreams that number their groups are entered at any group; others at the start of the page that
a group was on. Groups that don't fit the filter are passed over, and none is given twice. A
`Source` of connections, made by `reads`.
"""

from collections.abc import AsyncIterator, Collection, Iterable
from typing import Any

from group_gateway.errors import BadUserInput, UpstreamInvalidResponse
from group_gateway.fhir.bundle import PageLink
from group_gateway.groups.reading.pagination import PAGE_SIZE, Page, PagePosition, numbered
from group_gateway.groups.reading.relay_connection import Batch, Step
from group_gateway.groups.reading.search import Search


class Paginator:
    """The groups of a search. See `Source` for what the methods promise."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._entry: Page | None = None

    async def forward(self, place: list[Any] | None, count: int) -> AsyncIterator[Batch]:
        """Give what follows a place, or all."""
        page, start = await self._enter_after(place, count)
        self._entry = page
        async for further, seen in self._onward(page):
            steps = self._steps(further, range(start, len(further.groups)), seen)
            certain = further.filtered or further.next is None
            yield Batch(steps, further.goes_on if certain else None)
            start = 0

    async def backward(self, place: list[Any] | None, count: int) -> AsyncIterator[Batch]:
        """Give what comes before a place, or all, from the end to the beginning."""
        position = None if place is None else PagePosition.from_json(place)
        if position is not None and position.number == 0:
            yield Batch((), more=False)
            return
        page, stop = await (
            self._enter_last(count) if position is None else self._before(position, count)
        )
        self._entry = page
        if page.is_first or page.leads_back:
            async for batch in self._back(page, stop):
                yield batch
        elif position is None or position.number is None:
            yield await self._from_the_start(None if position is None else page.ids[stop])
        else:
            raise UpstreamInvalidResponse("The upstream's pages don't lead back.")

    async def total(self) -> int | None:
        """Count what fits: the upstream's own count, or by a bounded look at all groups."""
        page = self._entry or await self._search.start(1)
        if page.filtered:
            return await self._search.total(page)
        return sum([len(batch.steps) async for batch in self.forward(None, PAGE_SIZE)])

    async def _enter_after(self, place: list[Any] | None, count: int) -> tuple[Page, int]:
        if place is None:
            return await self._search.start(count), 0
        position = PagePosition.from_json(place)
        if position.number is None:
            return await self._page_of(position), position.index + 1
        wanted = position.number + 1
        link = numbered(position.link, wanted, _size(count, filtered=position.filtered))
        page = await self._search.follow(link, filtered=position.filtered)
        return page, page.index_of(wanted)

    async def _before(self, position: PagePosition, count: int) -> tuple[Page, int]:
        if position.number is None:
            return await self._page_of(position), position.index
        size = _size(count, filtered=position.filtered)
        return await self._page_before(
            position.link, position.number, size, filtered=position.filtered
        )

    async def _page_of(self, position: PagePosition) -> Page:
        page = await self._search.follow(position.link, filtered=position.filtered)
        if position.index >= len(page.groups):
            raise BadUserInput("The cursor's place is gone. Start again without a cursor.")
        return page

    async def _enter_last(self, count: int) -> tuple[Page, int]:
        """Find the last page, by the total, by its link, or by walking to it."""
        page = await self._search.start(count)
        total, last = page.content.total, page.content.links.get("last")
        if page.next is not None:
            if page.begin is not None and page.filtered and last is None:
                total = await self._search.total(page)
            if page.begin is not None and total is not None:
                size = _size(count, filtered=page.filtered)
                page, _ = await self._page_before(page.link, total, size, filtered=page.filtered)
            elif last is not None:
                page = await self._search.follow(last, filtered=page.filtered)
            else:
                page = await self._search.start(PAGE_SIZE)
            async for further, _ in self._onward(page):  # past a total or link that is outdated
                page = further
        return page, len(page.groups)

    async def _page_before(
        self, link: PageLink, end: int, count: int, *, filtered: bool
    ) -> tuple[Page, int]:
        """Fetch the page with the groups right before number `end`, and the index to stop at."""
        begin = max(0, end - min(count, self._search.largest))
        link = numbered(link, begin, end - begin)
        page = await self._search.follow(link, filtered=filtered)
        async for further, _ in self._onward(page):  # what it gave may end too early
            page = further
            if page.end >= end:
                break
        return page, page.index_of(end)

    async def _onward(self, page: Page) -> AsyncIterator[tuple[Page, Collection[str]]]:
        """Give this page and those after it, each with the ids on the pages before."""
        seen: set[str] = set()
        while True:
            yield page, seen
            if page.next is None:
                return
            seen.update(page.ids)
            is_cut = page.is_cut
            page = await self._search.follow(page.next, filtered=page.filtered)
            if not is_cut and seen.issuperset(page.ids):
                return  # it was worth a try, and there is no more
            _check_new(page, seen)

    async def _back(self, page: Page, stop: int) -> AsyncIterator[Batch]:
        """Give what is on a page up to index `stop`, and on those before it."""
        seen: set[str] = set()
        while True:
            steps = self._steps(page, reversed(range(stop)), seen)
            yield Batch(steps, False if not page.leads_back else True if page.filtered else None)
            seen.update(page.ids)
            if not page.leads_back:
                return
            if page.begin is not None:
                page, stop = await self._page_before(
                    page.link, page.begin, PAGE_SIZE, filtered=page.filtered
                )
            else:
                link = page.content.links["previous"]
                page = await self._search.follow(link, filtered=page.filtered)
                stop = len(page.groups)
            _check_new(page, seen)

    async def _from_the_start(self, anchor: str | None) -> Batch:
        """Walk up to a group, or to the end; for upstreams whose pages don't lead back."""
        steps: list[Step] = []
        async for page, seen in self._onward(await self._search.start(PAGE_SIZE)):
            found = anchor in page.ids
            stop = page.ids.index(anchor) if anchor is not None and found else len(page.groups)
            steps += self._steps(page, range(stop), seen)
            if found:
                break
        else:
            if anchor is not None:
                raise BadUserInput("The cursor's place is gone. Start again without a cursor.")
        return Batch(steps[::-1], more=False)

    def _steps(self, page: Page, indexes: Iterable[int], seen: Collection[str]) -> list[Step]:
        fits = self._search.wanted.fits
        return [
            Step(group, page.position(index).to_json())
            for index in indexes
            if (group := page.groups[index]).id not in seen and fits(group)
        ]


def _size(count: int, *, filtered: bool) -> int:
    return min(count, PAGE_SIZE) if filtered else PAGE_SIZE


def _check_new(page: Page, seen: Collection[str]) -> None:
    if page.groups and all(id in seen for id in page.ids):
        raise UpstreamInvalidResponse("The upstream's pages lead in a circle.")
