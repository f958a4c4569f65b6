"""Groups in an order that the caller chose, over a source of all that match.

A position is the sort keys of a group (a keyset), so it does not shift when groups appear,
disappear or change.
"""

from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Sequence
from functools import cmp_to_key
from typing import Any

from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.connections.relay_connection import Batch, Source, Step
from group_gateway.groups.reading.filters.sort_keys import GroupOrder, key_of

_WHOLE_SOURCE = 100
Key = list[Any]
"""The values that a group is sorted by, None for a missing one, and its id."""


class SortedGroups:
    """The groups of a source in another order. See `Source` for the methods."""

    def __init__(self, source: Source, orders: Sequence[GroupOrder]) -> None:
        self._source = source
        self._orders = orders
        self._steps: list[Step] | None = None
        self._pages: list[Batch] = []

    async def forward(self, place: list[Any] | None, count: int) -> AsyncIterator[Batch]:
        """Yield what follows a position, or everything."""
        steps = await self._sorted()
        start = 0 if place is None else bisect_right(steps, self._at(place), key=self._compared)
        for batch in self._reported():
            yield batch
        for i in range(start, len(steps), max(count, 1)):
            yield Batch(steps[i : i + count], i + count < len(steps))

    async def backward(self, place: list[Any] | None, count: int) -> AsyncIterator[Batch]:
        """Yield what precedes a position, or everything, from the end to the beginning."""
        steps = await self._sorted()
        stop = len(steps)
        if place is not None:
            stop = bisect_left(steps, self._at(place), key=self._compared)
        for batch in self._reported():
            yield batch
        for i in range(stop, 0, -max(count, 1)):
            yield Batch(steps[max(i - count, 0) : i][::-1], i > count)

    async def total(self) -> int | None:
        """Count the groups."""
        return len(await self._sorted())

    def _reported(self) -> list[Batch]:
        return [Batch((), more=None, page=batch.page) for batch in self._pages]

    async def _sorted(self) -> list[Step]:
        if self._steps is None:
            groups: dict[str, GroupResource] = {}
            async for batch in self._source.forward(None, _WHOLE_SOURCE):
                groups.update((step.group.id, step.group) for step in batch.steps)
                if batch.page is not None and (batch.page.broken or batch.page.issues):
                    self._pages.append(batch)
            steps = [Step(group, self._key(group)) for group in groups.values()]
            steps.sort(key=_id_of)
            for index in range(len(self._orders) - 1, -1, -1):
                _sort_by(steps, index, descending=self._orders[index].descending)
            self._steps = steps
        return self._steps

    def _key(self, group: GroupResource) -> Key:
        return [*(key_of(group, order.field) for order in self._orders), group.id]

    def _at(self, place: Key) -> Any:
        return cmp_to_key(self._compare)(place)

    def _compared(self, step: Step) -> Any:
        return cmp_to_key(self._compare)(step.place)

    def _compare(self, left: Key, right: Key) -> int:
        for order, ours, theirs in zip(self._orders, left, right, strict=False):
            if ours == theirs:
                continue
            if ours is None or theirs is None:
                return 1 if ours is None else -1
            is_less = ours < theirs
            return -1 if is_less != order.descending else 1
        ours, theirs = str(left[-1]), str(right[-1])
        return (ours > theirs) - (ours < theirs)


def _sort_by(steps: list[Step], index: int, *, descending: bool) -> None:
    """Sort by one key; equal ones and the order of those without a value stay as they are."""
    missing = [step for step in steps if step.place[index] is None]
    present = [step for step in steps if step.place[index] is not None]
    present.sort(key=lambda step: step.place[index], reverse=descending)
    steps[:] = present + missing


def _id_of(step: Step) -> str:
    return step.group.id
