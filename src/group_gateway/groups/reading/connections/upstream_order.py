"""Groups by the time of their last change, in the order of an upstream that is proven to sort so.

Groups with the same time come by id, as everywhere: an upstream's order of these says nothing. A
position is the sort keys of a group (a keyset); a bound of `_lastUpdated` leads there. What the
upstream can't do is sorted here.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import floor
from typing import Any

from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.groups.reading.connections.paginator import Paginator
from group_gateway.groups.reading.connections.relay_connection import Batch, Source, Step
from group_gateway.groups.reading.filters.filter_table import GroupFilter
from group_gateway.groups.reading.filters.filter_values import DateFilter
from group_gateway.groups.reading.filters.sort_keys import GroupOrder, key_of
from group_gateway.groups.reading.pages.page_numbers import PAGE_SIZE
from group_gateway.groups.reading.searches.sorted_search import (
    NotSortedError,
    OutOfOrderError,
    SortedSearch,
)

LAST_UPDATED = "_lastUpdated"
"""FHIR's search parameter for it."""
_MOST_TIES = 200
"""Groups with equal keys at the start of a list that are worth requesting, rather than all."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NewSearch = Callable[[GroupFilter, bool], SortedSearch]
"""Makes a search of a filter that sorts by the time of the last change, descending or not."""


class UpstreamOrder:
    """The groups of a filter by `lastUpdated`; `local` sorts them here. See `Source`."""

    def __init__(
        self,
        search: NewSearch,
        unsorted: Source,
        wanted: GroupFilter,
        order: GroupOrder,
        local: Source,
    ) -> None:
        self._search = search
        self._unsorted = unsorted
        self._wanted = wanted
        self._descending = order.descending
        self._local = local

    async def forward(self, place: list[Any] | None, count: int) -> AsyncIterator[Batch]:
        """Yield what follows a position, or everything."""
        async for batch in self._batches(place, count, backward=False):
            yield batch

    async def backward(self, place: list[Any] | None, count: int) -> AsyncIterator[Batch]:
        """Yield what precedes a position, or everything, from the end to the beginning."""
        async for batch in self._batches(place, count, backward=True):
            yield batch

    async def total(self) -> int | None:
        """Count the groups."""
        return await self._unsorted.total()

    async def _batches(
        self, place: list[Any] | None, count: int, *, backward: bool
    ) -> AsyncIterator[Batch]:
        descending = self._descending != backward
        given = False
        if place is None or place[0] is not None:
            search = self._search(self._bounded(place, descending=descending), descending)
            walk = _Walk(place, descending=descending, backward=backward)
            try:
                async for batch in walk.run(Paginator(search).forward(None, PAGE_SIZE)):
                    yield batch
                    given = given or bool(batch.steps)
            except NotSortedError as error:
                if isinstance(error, OutOfOrderError):
                    search.is_not_sorted()
                if given:
                    text = "The upstream's order is not that of the last changes. Ask again."
                    raise UpstreamInvalidResponse(text) from error
            else:
                return
        local = self._local.backward if backward else self._local.forward
        async for batch in local(place, count):
            yield batch

    def _bounded(self, place: list[Any] | None, *, descending: bool) -> GroupFilter:
        """Return the filter, from the time of a position on."""
        if place is None:
            return self._wanted
        # The bound takes in the whole millisecond, of which servers may keep parts.
        moment = _EPOCH + timedelta(milliseconds=floor(place[0] * 1000) + descending)
        bound = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        dates = self._wanted.last_updated or DateFilter()
        dates = replace(dates, le=bound) if descending else replace(dates, ge=bound)
        return replace(self._wanted, last_updated=dates)


class _Walk:
    """Checks an upstream's order, and sorts groups with equal keys by id."""

    def __init__(self, place: list[Any] | None, *, descending: bool, backward: bool) -> None:
        self._place = place
        self._descending = descending
        self._backward = backward
        self._ties: list[Step] = []
        self._has_begun = False

    async def run(self, batches: AsyncIterator[Batch]) -> AsyncIterator[Batch]:
        """Yield batches of sorted steps behind the position. Raises NotSortedError."""
        async for batch in batches:
            steps = [step for group in batch.steps for step in self._take(group)]
            more = True if any(self._behind(self._ties)) else None
            yield Batch(list(self._behind(steps)), more, batch.page)
        yield Batch(list(self._behind(self._sorted())), more=False)

    def _take(self, found: Step) -> list[Step]:
        """Return the steps before the next key, when a group has another than the last ones."""
        key = key_of(found.group, "last_updated")
        step = Step(found.group, [key, found.group.id])
        if key is None:  # which servers sort in as they like
            raise OutOfOrderError
        before: list[Step] = []
        if self._ties and (last := self._ties[0].place[0]) != key:
            if (key < last) != self._descending:
                raise OutOfOrderError
            before, self._ties = self._sorted(), []
            self._has_begun = True
        self._ties.append(step)
        if len(self._ties) > _MOST_TIES and not self._has_begun:
            raise NotSortedError
        return before

    def _sorted(self) -> list[Step]:
        return sorted(self._ties, key=lambda step: step.group.id, reverse=self._backward)

    def _behind(self, steps: Iterable[Step]) -> Iterable[Step]:
        """Yield the steps behind the position."""
        for step in steps:
            if self._place is None or self._follows(step.place, self._place):
                yield step

    def _follows(self, place: list[Any], other: list[Any]) -> bool:
        if place[0] == other[0]:
            after: bool = place[1] < other[1] if self._backward else place[1] > other[1]
            return after
        later: bool = place[0] < other[0] if self._descending else place[0] > other[0]
        return later
