"""The groups of a list of ids that the caller may see.

A position is an index in the list, so it does not shift when groups appear or disappear.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.connections.relay_connection import Batch, Step
from group_gateway.groups.reading.filters.filter_table import GroupFilter

_MOST_AT_ONCE = 100


class IdList:
    """The groups behind `ids` that match. See `Source` for the methods."""

    def __init__(
        self,
        find: Callable[[str], Awaitable[GroupResource | None]],
        ids: Sequence[str],
        wanted: GroupFilter,
    ) -> None:
        self._find = find
        self._ids = ids
        self._wanted = wanted
        self._found: dict[int, GroupResource | None] = {}

    def forward(self, place: list[Any] | None, count: int) -> AsyncIterator[Batch]:
        """Return what follows a place, or all."""
        start = 0 if place is None else place[0] + 1
        return self._batches(range(start, len(self._ids)), count)

    def backward(self, place: list[Any] | None, count: int) -> AsyncIterator[Batch]:
        """Return what comes before a place, or all, from the end to the beginning."""
        stop = len(self._ids) if place is None else place[0]
        return self._batches(range(stop - 1, -1, -1), count)

    async def total(self) -> int | None:
        """Count the matching groups."""
        return len(await self._fitting(range(len(self._ids))))

    async def _batches(self, indexes: range, count: int) -> AsyncIterator[Batch]:
        size = min(count + 1, _MOST_AT_ONCE)  # one more shows whether there is a next page
        for i in range(0, len(indexes), size):
            steps = await self._fitting(indexes[i : i + size])
            yield Batch(steps, False if i + size >= len(indexes) else None)

    async def _fitting(self, indexes: range) -> list[Step]:
        new = [index for index in indexes if index not in self._found]
        found = await asyncio.gather(*(self._find(self._ids[index]) for index in new))
        self._found.update(zip(new, found, strict=True))
        return [
            Step(group, [index])
            for index in indexes
            if (group := self._found[index]) is not None and self._wanted.fits(group)
        ]
