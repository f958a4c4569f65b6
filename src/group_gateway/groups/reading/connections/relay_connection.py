"""A Relay cursor connection over any source of groups.

Nothing is fetched before a part of it is needed, and no part fetches more than it needs: only
`page_info` looks whether another group follows, only `total` counts.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from group_gateway.concurrency import started
from group_gateway.errors import BadUserInput, UpstreamSearchUnsupported
from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.operation_outcome import Issue
from group_gateway.groups.reading.connections.cursor import Cursors

Node = TypeVar("Node")
DEFAULT_PAGE = 20
LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Paging:
    """The paging arguments of a connection, checked.

    `count` groups, from the end when `backward`; `cursor` is where to continue.
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


class Step(msgspec.Struct, frozen=True):
    """A group, and its position as JSON values."""

    group: GroupResource
    place: list[Any]


class Batch(NamedTuple):
    """Some steps in a row, and whether more follow (None: only a request can tell).

    `page` is the upstream's page that they were on, if it may have something to report.
    """

    steps: Sequence[Step]
    more: bool | None
    page: Searchset | None = None


class Source(Protocol):
    """The groups of a connection, in order, from after or before a position."""

    def forward(self, place: list[Any] | None, count: int) -> AsyncIterator[Batch]:
        """Return what follows a position, or everything; `count` groups are likely to be needed."""

    def backward(self, place: list[Any] | None, count: int) -> AsyncIterator[Batch]:
        """Return what precedes a position, or everything, from the end to the beginning."""

    async def total(self) -> int | None:
        """Count all groups; None when that is unknowable."""


class Edge(msgspec.Struct, Generic[Node], frozen=True):
    """A node and its cursor."""

    node: Node
    place: list[Any]
    cursors: Cursors

    @property
    def cursor(self) -> str:
        """The place of the node, opaque."""
        return self.cursors.encode(self.place)


GroupEdge = Edge[GroupResource]


@dataclass(frozen=True, slots=True)
class PageInfo:
    """The position of a slice in the whole."""

    edges: Sequence[Edge[Any]]
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


class Connection:
    """One slice of a source. Raises BadUserInput for a cursor that is not one of `cursors`."""

    def __init__(
        self,
        source: Source,
        cursors: Cursors,
        paging: Paging,
        record_read: Callable[[Iterable[str]], None],
    ) -> None:
        self._source = source
        self._cursors = cursors
        self._paging = paging
        self._record_read = record_read
        self._place = None if paging.cursor is None else cursors.decode(paging.cursor)
        walk = source.backward if paging.backward else source.forward
        self._batches = walk(self._place, max(paging.count, 1))
        self._steps: list[Step] = []
        self._growth: asyncio.Future[None] | None = None
        self._more: bool | None = None
        self._reported: dict[int, Searchset] = {}
        self._taking: asyncio.Future[tuple[GroupEdge, ...]] | None = None
        self._looking: asyncio.Future[bool] | None = None
        self._counting: asyncio.Future[int | None] | None = None

    def start(self) -> asyncio.Future[tuple[GroupEdge, ...]]:
        """Start fetching the edges, or join it. The future is shared: never cancel it."""
        if self._taking is None:
            self._taking = started(self._take())
        return self._taking

    def edges(self) -> asyncio.Future[tuple[GroupEdge, ...]]:
        """Return the edges; start fetching them at once."""
        return asyncio.shield(self.start())

    def edges_as_they_come(self) -> AsyncGenerator[GroupEdge, None]:
        """Yield the edges one by one, as they are fetched; start that at once.

        A slice from the end comes when it is complete.
        """
        return self._as_they_come(self.start())

    async def _as_they_come(
        self, taking: asyncio.Future[tuple[GroupEdge, ...]]
    ) -> AsyncGenerator[GroupEdge, None]:
        given = 0
        while not self._paging.backward and (given < len(self._steps) or not taking.done()):
            if given == len(self._steps):
                await self._grown(taking)
            else:
                yield self._edge(self._steps[given])
                given += 1
        for edge in (await asyncio.shield(taking))[given:]:
            yield edge

    async def _grown(self, taking: asyncio.Future[Any]) -> None:
        """Wait until there are more edges, or the slice is complete."""
        if self._growth is None:
            self._growth = asyncio.get_running_loop().create_future()
        await asyncio.wait({taking, self._growth}, return_when=asyncio.FIRST_COMPLETED)

    def _edge(self, step: Step) -> GroupEdge:
        return Edge(step.group, step.place, self._cursors)

    async def page_info(self) -> PageInfo:
        """Return the position of the slice."""
        edges = await self.edges()
        if self._looking is None:
            self._looking = started(self._look())
        more, other = await asyncio.shield(self._looking), self._place is not None
        return PageInfo(edges, *((other, more) if self._paging.backward else (more, other)))

    async def total(self) -> int | None:
        """Count all groups; None when the upstream does not say.

        Costs no call beside the edges, if the upstream counts and filters by itself.
        """
        if self._taking is not None:
            await self.edges()
        if self._counting is None:
            self._counting = started(self._source.total())
        return await asyncio.shield(self._counting)

    async def _take(self) -> tuple[GroupEdge, ...]:
        while (room := self._paging.count - len(self._steps)) > 0:
            batch = await anext(self._batches, None)
            if batch is None:
                self._more = False
                break
            self._note(batch)
            self._more = True if len(batch.steps) > room else batch.more
            if not batch.steps:
                continue
            steps = batch.steps[:room]
            self._steps += steps
            self._record_read(step.group.id for step in steps)
            if self._growth is not None:
                self._growth.set_result(None)
                self._growth = None
        return tuple(map(self._edge, self._steps[::-1] if self._paging.backward else self._steps))

    def _note(self, batch: Batch) -> None:
        if batch.page is not None and (batch.page.broken or batch.page.issues):
            self._reported[id(batch.page)] = batch.page

    @property
    def broken(self) -> int:
        """The number of invalid entries on the pages of the slice."""
        return sum(page.broken for page in self._reported.values())

    @property
    def failures(self) -> tuple[Issue, ...]:
        """The errors that the upstream reported among the groups."""
        return tuple(
            issue
            for page in self._reported.values()
            for issue in page.issues
            if issue.severity in {"fatal", "error"}
        )

    async def _look(self) -> bool:
        """Return whether more groups follow; send a request only if necessary."""
        while self._more is None:
            try:
                batch = await anext(self._batches, None)
            except UpstreamSearchUnsupported:
                return True  # not found in that many groups: the next page continues here
            self._more = False if batch is None else True if batch.steps else batch.more
        return self._more
