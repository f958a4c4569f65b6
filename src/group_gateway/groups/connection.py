"""A Relay cursor connection over a search, fetched when a part of it is first asked for.

`schema` asks for edges and for the total; whichever is not selected costs no upstream call.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from group_gateway.errors import BadUserInput
from group_gateway.fhir.resource import GroupResource
from group_gateway.groups.cursor import Cursors
from group_gateway.groups.walk import PAGE_SIZE, Page, Spot, Step, Walk

DEFAULT_PAGE = 20
LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Paging:
    """The paging arguments of a connection, checked.

    `count` groups, from the end when `backward`; `cursor` is where to go on from.
    """

    count: int
    backward: bool
    cursor: str | None


def paging(first: int | None, after: str | None, last: int | None, before: str | None) -> Paging:
    """Check the arguments (Relay cursor connections, section 4); raises BadUserInput."""
    if first is not None and last is not None:
        raise BadUserInput("Ask for `first` or for `last`, not for both.")
    backward = last is not None
    if (backward and after is not None) or (not backward and before is not None):
        raise BadUserInput("`after` goes with `first`, and `before` with `last`.")
    count = last if last is not None else DEFAULT_PAGE if first is None else first
    if not 0 <= count <= LARGEST_PAGE:
        name = "last" if backward else "first"
        raise BadUserInput(f"`{name}` takes a number from 0 to {LARGEST_PAGE}.")
    return Paging(count, backward, before if backward else after)


@dataclass(frozen=True, slots=True)
class Edge:
    """A group and its cursor."""

    node: GroupResource
    cursor: str


@dataclass(frozen=True, slots=True)
class Slice:
    """The edges asked for, and whether there are more on either side."""

    edges: tuple[Edge, ...]
    has_next_page: bool
    has_previous_page: bool

    @property
    def start_cursor(self) -> str | None:
        """The first edge's cursor."""
        return self.edges[0].cursor if self.edges else None

    @property
    def end_cursor(self) -> str | None:
        """The last edge's cursor."""
        return self.edges[-1].cursor if self.edges else None


class SearchConnection:
    """The groups of a search, one slice of them.

    `walk` gives a fresh walk; the slice and the total are each found once.
    """

    def __init__(
        self, walk: Callable[[], Awaitable[Walk]], cursors: Cursors, paging: Paging
    ) -> None:
        self._walk = walk
        self._cursors = cursors
        self._paging = paging
        self._position = (
            None if paging.cursor is None else Spot.from_json(cursors.decode(paging.cursor))
        )
        self._slice: asyncio.Task[Slice] | None = None
        self._page: Page | None = None

    def slice(self) -> asyncio.Task[Slice]:
        """Start, or join, fetching the slice."""
        if self._slice is None:
            self._slice = asyncio.create_task(self._fetch())
        return self._slice

    async def total(self) -> int | None:
        """Give how many groups there are on all pages; None when the upstream does not say.

        Costs no call beside a slice, where the upstream counts and filters by itself.
        """
        if self._slice is not None:
            await asyncio.wait([self._slice])
            if self._slice.cancelled() or self._slice.exception() is not None:
                return None  # the slice says what is wrong; asking again would only repeat it
        page = self._page or await (await self._walk()).start(1)
        return await (await self._walk()).total(page)

    async def _fetch(self) -> Slice:
        walk = await self._walk()
        count = min(max(self._paging.count, 1), PAGE_SIZE)
        if self._paging.backward:
            return await self._backward(walk, count)
        return await self._forward(walk, count)

    async def _forward(self, walk: Walk, count: int) -> Slice:
        if self._position is None:
            page, start = await walk.start(count), 0
        else:
            page, start = await walk.after(self._position, count)
        self._page = page
        steps, more = await _take(walk.forward(page, start), self._paging.count)
        return self._slice_of(
            steps, has_next_page=more, has_previous_page=self._position is not None
        )

    async def _backward(self, walk: Walk, count: int) -> Slice:
        if self._position is None:
            page, stop = await walk.last(await walk.start(count)), None
        else:
            entered = await walk.before(self._position, count)
            if entered is None:
                return self._slice_of([], has_next_page=True, has_previous_page=False)
            page, stop = entered
        self._page = page
        steps, more = await _take(walk.backward(page, stop), self._paging.count)
        has_next_page = self._position is not None
        return self._slice_of(steps[::-1], has_next_page=has_next_page, has_previous_page=more)

    def _slice_of(
        self, steps: list[Step], *, has_next_page: bool, has_previous_page: bool
    ) -> Slice:
        edges = tuple(Edge(s.group, self._cursors.encode(s.spot.to_json())) for s in steps)
        return Slice(edges, has_next_page, has_previous_page)


async def _take(steps: AsyncIterator[Step], count: int) -> tuple[list[Step], bool]:
    """Take `count` steps and tell whether another one follows, looking only when it must."""
    taken: list[Step] = []
    async for step in steps:
        if len(taken) == count:
            return taken, True
        taken.append(step)
        if len(taken) == count and step.more is not None:
            return taken, step.more
    return taken, False
