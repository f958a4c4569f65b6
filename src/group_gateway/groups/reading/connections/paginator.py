"""Walk the groups of a search in both directions, over whatever pages an upstream returns.

Upstreams that number their groups are entered at any group; others at the start of the page that a
group was on. Groups that don't match the filter are skipped, and no group is returned twice. Every
walk ends: no page is visited twice, and only a limited number of pages in a row may hold nothing
new.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import suppress
from typing import Any

from group_gateway.errors import BadUserInput
from group_gateway.fhir.page_link import NOWHERE, PageLink
from group_gateway.groups.reading.capabilities.paging_support import DroppedPage, InvalidLink
from group_gateway.groups.reading.connections.relay_connection import Batch, Step
from group_gateway.groups.reading.connections.visited_pages import EndlessPages, VisitedPages
from group_gateway.groups.reading.pages.page_numbers import PAGE_SIZE
from group_gateway.groups.reading.pages.page_position import PagePosition
from group_gateway.groups.reading.pages.parsed_pages import ParsedPage
from group_gateway.groups.reading.pages.upstream_page import InconsistentNumbers, Page
from group_gateway.groups.reading.searches.search import Search


class Paginator:
    """The groups of a search. See `Source` for the contract of the methods."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._entry: Page | None = None

    async def forward(self, place: list[Any] | None, count: int) -> AsyncIterator[Batch]:
        """Yield what follows a position, or everything."""
        page, start = await self._enter_after(place, count)
        self._entry = page
        known = await self._search.known_walk(page)
        walk = self._again(page, known) if known else self._onward(page)
        async for further, seen in walk:
            steps = self._steps(further, range(start, len(further.entries)), seen)
            certain = further.filtered or further.next is None
            yield Batch(steps, further.goes_on if certain else None, further.content)
            start = 0

    async def _again(
        self, page: Page, known: Sequence[ParsedPage]
    ) -> AsyncIterator[tuple[Page, Collection[str]]]:
        """Yield this page and those after it, as an earlier walk found them.

        Without those that hold nothing of interest. No id comes twice.
        """
        yield page, ()
        last = known[-1]
        for kept in known[1:]:
            await self._search.budget.pause()
            is_silent = not kept.page.broken and not kept.page.issues
            if kept is last or not is_silent or self._search.may_match(kept.page):
                yield self._search.page(kept.link, kept.page, filtered=page.filtered), ()

    async def backward(self, place: list[Any] | None, count: int) -> AsyncIterator[Batch]:
        """Yield what precedes a position, or everything, from the end to the beginning."""
        position = None if place is None else PagePosition.from_json(place)
        if position is not None and position.number == 0:
            yield Batch((), more=False)
            return
        anchor = None if position is None else position.id
        # Forwards its links lead on all the same, also where its total is far too high.
        with suppress(InconsistentNumbers, EndlessPages):
            page, stop = await (
                self._enter_last(count) if position is None else self._before(position, count)
            )
            self._entry = page
            if page.is_first or page.leads_back:
                async for batch in self._back(page, stop):
                    anchor = batch.steps[-1].group.id if batch.steps else anchor
                    yield batch
                return
        yield await self._from_the_start(anchor)

    async def total(self) -> int | None:
        """Count the matching groups: by the upstream's count, or by a bounded walk over all."""
        page = self._entry or await self._search.start(1)
        if page.filtered and not self._search.is_misled:
            total = await self._search.total(page)
            if total is None or await self._search.is_proven(page, total):
                return total
        return sum([len(batch.steps) async for batch in self.forward(None, PAGE_SIZE)])

    async def _enter_after(self, place: list[Any] | None, count: int) -> tuple[Page, int]:
        if place is None:
            return await self._search.start(count), 0
        position = PagePosition.from_json(place)
        if position.number is None:
            page, index = await self._page_of(position)
            return page, index + (position.find(page) is not None)
        wanted = position.number + 1
        link = self._search.numbered(
            position.link, wanted, _size(count, filtered=position.filtered)
        )
        page = await self._search.follow(link, filtered=position.filtered)
        start, moved = page.index_of(wanted), position.find(page)
        removed = -_growth(position, page)
        if moved is None and 0 < removed < PAGE_SIZE:
            return await self._after_removals(position, removed) or (page, start)
        return page, start if moved is None else max(start, moved + 1)

    async def _after_removals(
        self, position: PagePosition, removed: int
    ) -> tuple[Page, int] | None:
        """Find what follows a group before which some were removed, so that none is skipped.

        Of those that follow a removed group, some may be shown again. None when it isn't known.
        """
        number = position.number or 0
        begin = max(0, number - removed)
        link = self._search.numbered(position.link, begin, PAGE_SIZE)
        page = await self._search.follow(link, filtered=position.filtered)
        moved = position.find(page)
        if moved is not None:
            return page, moved + 1
        is_all_seen = page.end > number or page.next is None
        return (page, page.index_of(max(0, number + 1 - removed))) if is_all_seen else None

    async def _before(self, position: PagePosition, count: int) -> tuple[Page, int]:
        if position.number is None:
            return await self._page_of(position)
        size = _size(count, filtered=position.filtered)
        page, stop = await self._page_before(
            position.link, position.number, size, filtered=position.filtered
        )
        moved = position.find(page)
        added = _growth(position, page)
        if moved is None and 0 < added < PAGE_SIZE:
            later, _ = await self._page_before(
                position.link, position.number + added + 1, PAGE_SIZE, filtered=position.filtered
            )
            moved = position.find(later)
            return (page, stop) if moved is None else (later, moved)
        return page, stop if moved is None else min(stop, moved)

    async def _page_of(self, position: PagePosition) -> tuple[Page, int]:
        """Fetch the page that a group was on, and find its index, or that of the next one."""
        page = await self._search.follow(position.link, filtered=position.filtered)
        found = position.find(page)
        if found is None and position.index >= len(page.entries):
            raise BadUserInput("The cursor's position is gone. Start again without a cursor.")
        return page, position.index if found is None else found

    async def _enter_last(self, count: int) -> tuple[Page, int]:
        """Find the last page: by the total, by the `last` link, or by walking to it."""
        page = await self._search.start(count)
        total, last = page.content.total, page.content.links.get("last")
        if page.next is not None:
            if page.begin is not None and page.filtered and last is None:
                total = await self._search.total(page)
            if page.begin is not None and total is not None:
                size = _size(count, filtered=page.filtered)
                page, _ = await self._page_before(page.link, total, size, filtered=page.filtered)
            elif last is not None and last != NOWHERE:
                page = await self._search.follow(last, filtered=page.filtered)
            else:
                page = await self._search.start(PAGE_SIZE)
            async for further, _ in self._onward(page):  # beyond an outdated total or link
                page = further
        return page, len(page.entries)

    async def _page_before(
        self, link: PageLink, end: int, count: int, *, filtered: bool
    ) -> tuple[Page, int]:
        """Fetch the page with the groups right before number `end`, and the index to stop at."""
        begin = max(0, end - min(count, self._search.largest))
        link = self._search.numbered(link, begin, end - begin)
        page = await self._search.follow(link, filtered=filtered)
        async for further, _ in self._onward(page):  # its result may be incomplete
            page = further
            if page.end >= end:
                break
        return page, page.index_of(end)

    async def _onward(self, page: Page) -> AsyncIterator[tuple[Page, Collection[str]]]:
        """Yield this page and those after it, each with the ids on the pages before."""
        walk = [page]
        seen: set[str] = set()
        visited = VisitedPages(page.link)
        shown = 0
        while True:
            yield page, seen
            if page.next is None:
                if seen and len(seen.union(page.ids)) == sum(len(each.ids) for each in walk):
                    self._search.keep_walk(walk)
                return
            seen.update(page.ids)
            if page.groups:
                shown = len(seen) if page.reach is None else page.reach
            is_cut = page.is_cut and not self._search.is_last(page)
            if not is_cut and visited.contains(page.next):
                return
            try:
                visited.add(page.next)
                visited.check_direction(page)
                further = await self._search.follow(page.next, filtered=page.filtered)
                if not is_cut and _has_nothing_more(further, page, seen):
                    return  # the try has shown that there is no more
                visited.check(further, seen)
            except (DroppedPage, EndlessPages, InvalidLink) as error:
                total = await self._last_total(page, error)
                if total == shown or page.is_beyond(total):
                    return  # some servers link a page after the last one
                raise
            page = further
            walk.append(page)

    async def _last_total(self, page: Page, error: Exception) -> int | None:
        """Return the upstream's total after the way on from a page has failed."""
        is_refused = isinstance(error, DroppedPage)
        return await self._search.total(page) if is_refused else page.content.total

    async def _back(self, page: Page, stop: int) -> AsyncIterator[Batch]:
        """Yield the groups of a page up to index `stop`, and those of the pages before it."""
        seen: set[str] = set()
        visited = VisitedPages(page.link)
        while True:
            steps = self._steps(page, range(stop - 1, -1, -1), seen)
            more = False if not page.leads_back else True if page.filtered else None
            yield Batch(steps, more, page.content)
            seen.update(page.ids)
            if not page.leads_back:
                return
            if page.begin is not None:
                end = page.begin
                page, stop = await self._page_before(
                    page.link, end, PAGE_SIZE, filtered=page.filtered
                )
                if (page.begin or 0) >= end:
                    raise InconsistentNumbers
            else:
                link = page.content.links["previous"]
                visited.add(link)
                page = await self._search.follow(link, filtered=page.filtered)
                stop = len(page.entries)
            visited.check(page, seen)

    async def _from_the_start(self, anchor: str | None) -> Batch:
        """Walk up to a group, or to the end; for upstreams whose pages don't lead back."""
        steps: list[Step] = []
        content = None
        async for page, seen in self._onward(await self._search.start(PAGE_SIZE)):
            ids = [group and group.id for group in page.entries]
            found = anchor is not None and anchor in ids
            stop = ids.index(anchor) if found else len(ids)
            steps += self._steps(page, range(stop), seen)
            content = page.content if page.content.broken else content
            if found:
                break
        else:
            if anchor is not None:
                raise BadUserInput("The cursor's position is gone. Start again without a cursor.")
        return Batch(steps[::-1], more=False, page=content)

    def _steps(self, page: Page, indexes: range, seen: Collection[str]) -> list[Step]:
        """Return the steps to the matching groups on a part of a page, in its order."""
        matching = self._search.matches(page.content)
        if not matching:
            return []
        entries = page.entries
        found = [
            Step(group, page.place(index, group.id))
            for index in matching
            if index in indexes and (group := entries[index]) is not None and group.id not in seen
        ]
        return found[::-1] if indexes.step < 0 else found


def _growth(position: PagePosition, page: Page) -> int:
    """Return how many more groups there are than at a position; 0 where the upstream says not."""
    before, now = position.total, page.content.total
    return 0 if before is None or now is None else now - before


def _size(count: int, *, filtered: bool) -> int:
    return min(count, PAGE_SIZE) if filtered else PAGE_SIZE


def _has_nothing_more(further: Page, page: Page, seen: set[str]) -> bool:
    """Return whether a page after another has only what was seen; invalid entries have no id."""
    if further.ids or not further.content.broken:
        return seen.issuperset(further.ids)
    return further.content.raw == page.content.raw
