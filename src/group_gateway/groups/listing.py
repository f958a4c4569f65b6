"""A Relay cursor connection over a known list. Used for filters by id and for members."""

import asyncio
from collections.abc import Awaitable, Callable

from group_gateway.fhir.resource import GroupResource
from group_gateway.groups.connection import Edge, Paging, Slice
from group_gateway.groups.cursor import Cursors


class ListConnection:
    """The groups of a list that is loaded when a part of the connection is first asked for."""

    def __init__(
        self,
        load: Callable[[], Awaitable[list[GroupResource]]],
        cursors: Cursors,
        paging: Paging,
    ) -> None:
        self._load = load
        self._cursors = cursors
        self._paging = paging
        self._position: int | None = (
            None if paging.cursor is None else cursors.decode(paging.cursor)[0]
        )
        self._loaded: asyncio.Future[list[GroupResource]] | None = None

    def _groups(self) -> asyncio.Future[list[GroupResource]]:
        if self._loaded is None:
            self._loaded = asyncio.ensure_future(self._load())
        return self._loaded

    async def slice(self) -> Slice:
        """Give the slice asked for."""
        groups = await self._groups()
        start, stop = window(len(groups), self._paging, self._position)
        edges = tuple(
            Edge(group, self._cursors.encode([start + i]))
            for i, group in enumerate(groups[start:stop])
        )
        return Slice(edges, has_next_page=stop < len(groups), has_previous_page=start > 0)

    async def total(self) -> int | None:
        """Give the length of the list."""
        return len(await self._groups())


def window(length: int, paging: Paging, position: int | None) -> tuple[int, int]:
    """Give start and stop of the slice of a list; `position` is the cursor's index."""
    if paging.backward:
        stop = length if position is None else min(position, length)
        return max(0, stop - paging.count), stop
    start = 0 if position is None else min(position + 1, length)
    return start, min(start + paging.count, length)
