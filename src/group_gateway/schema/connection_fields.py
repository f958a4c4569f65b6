"""Resolvers of `GroupConnection`: each selected part fetches no more than it needs."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import Any

import strawberry

from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.connections.relay_connection import (
    Connection,
    GroupEdge,
    PageInfo,
    paging,
)
from group_gateway.groups.reading.filters.filter_table import GroupFilter
from group_gateway.groups.reading.filters.sort_keys import GroupOrder
from group_gateway.schema.arguments import After, First, OfType
from group_gateway.schema.context import Info, field_nodes
from group_gateway.schema.enums import GroupType
from group_gateway.schema.input_fields import given


def edges(
    parent: strawberry.Parent[Any], info: Info
) -> Awaitable[tuple[GroupEdge, ...]] | AsyncGenerator[GroupEdge, None]:
    """Return the edges. The read starts at once, so that a total beside them can use its page."""
    if _is_streamed(info):
        return _edges_as_they_come(parent, info)
    return _edges(parent.edges(), parent, info)


def nodes(
    parent: strawberry.Parent[Any], info: Info
) -> Awaitable[list[GroupResource]] | AsyncGenerator[GroupResource, None]:
    """Return the groups. Starts at once, as `edges` does."""
    if _is_streamed(info):
        return _nodes_as_they_come(_edges_as_they_come(parent, info))
    return _nodes(_edges(parent.edges(), parent, info))


def _is_streamed(info: Info) -> bool:
    """Return whether a list is delivered incrementally (`@stream`)."""
    if not info.context.is_incremental:
        return False
    node = field_nodes(info)[0]
    return any(directive.name.value == "stream" for directive in node.directives or ())


async def _edges(
    edges: Awaitable[tuple[GroupEdge, ...]], connection: Connection, info: Info
) -> tuple[GroupEdge, ...]:
    found = await edges
    _report(connection, info)
    return found


def _edges_as_they_come(connection: Connection, info: Info) -> AsyncGenerator[GroupEdge, None]:
    return _reporting(connection.edges_as_they_come(), connection, info)


async def _reporting(
    edges: AsyncGenerator[GroupEdge, None], connection: Connection, info: Info
) -> AsyncGenerator[GroupEdge, None]:
    async with aclosing(edges):
        async for edge in edges:
            yield edge
    _report(connection, info)


def _report(connection: Connection, info: Info) -> None:
    """Report the groups that can't be shown, and the upstream's own issues."""
    if connection.broken:
        entries = "an entry" if connection.broken == 1 else f"{connection.broken} entries"
        info.context.report(info, f"The upstream sent {entries} that can't be read as a group.")
    if connection.failures:
        text = "The upstream reports a failure beside the groups that it found."
        info.context.report(info, text, connection.failures)


async def _nodes(edges: Awaitable[tuple[GroupEdge, ...]]) -> list[GroupResource]:
    return [edge.node for edge in await edges]


async def _nodes_as_they_come(
    edges: AsyncGenerator[GroupEdge, None],
) -> AsyncGenerator[GroupResource, None]:
    async with aclosing(edges):
        async for edge in edges:
            yield edge.node


def page_info(parent: strawberry.Parent[Any]) -> Awaitable[PageInfo]:
    """Return the position of the slice. Starts at once, as `edges` does."""
    parent.start()
    wanted: Awaitable[PageInfo] = parent.page_info()
    return wanted


async def total_count(parent: strawberry.Parent[Any]) -> int | None:
    """Return the total."""
    total: int | None = await parent.total()
    return total


def connect(  # noqa: PLR0913 - the arguments of a connection
    info: Info,
    wanted: GroupFilter,
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    ids: list[str] | None = None,
    orders: tuple[GroupOrder, ...] = (),
) -> Connection:
    """Make the connection for a field's arguments. Raises BadUserInput."""
    context = info.context
    checked = paging(given(first), given(after), given(last), given(before))
    key = (wanted, checked, tuple(ids) if ids is not None else None, orders)
    connection: Connection | None = context.memo.get(key)
    if connection is None:
        reads = context.services.reads
        connection = reads.connection(context.operation, wanted, checked, ids, orders)
        context.memo[key] = connection
    return connection


def patient_groups(
    parent: strawberry.Parent[Any],
    info: Info,
    first: First = strawberry.UNSET,
    after: After = strawberry.UNSET,
    type: OfType = strawberry.UNSET,
) -> Connection:
    """Return the groups that a patient is a member of."""
    base_url = info.context.services.upstream_url
    wanted = GroupFilter(type=code_of(type), patient=parent.id, base_url=base_url)
    return connect(info, wanted, first=first, after=after)


def practitioner_groups(
    parent: strawberry.Parent[Any],
    info: Info,
    first: First = strawberry.UNSET,
    after: After = strawberry.UNSET,
    type: OfType = strawberry.UNSET,
) -> Connection:
    """Return the groups that a practitioner is a member of."""
    base_url = info.context.services.upstream_url
    wanted = GroupFilter(type=code_of(type), practitioner=parent.id, base_url=base_url)
    return connect(info, wanted, first=first, after=after)


def code_of(type: GroupType | None) -> str | None:
    """Return FHIR's code of a GroupType argument."""
    return str(type.value) if type else None
