"""Resolvers of `GroupConnection`: each selected part fetches no more than it needs."""

from collections.abc import Awaitable
from typing import Any, TypeVar

import strawberry

from group_gateway.fhir.resource import GroupResource
from group_gateway.groups.connection import Edge, SearchConnection, Slice, paging
from group_gateway.groups.filters import GroupFilter
from group_gateway.groups.listing import ListConnection
from group_gateway.schema.arguments import After, First, OfType
from group_gateway.schema.codes import GroupType
from group_gateway.schema.context import Info

Value = TypeVar("Value")
Connection = SearchConnection | ListConnection


def edges(parent: strawberry.Parent[Any]) -> Awaitable[tuple[Edge, ...]]:
    """Give the edges. Starts at once, so that a total asked for beside them can use their page."""
    return _edges(parent.slice())


async def _edges(wanted: Awaitable[Slice]) -> tuple[Edge, ...]:
    return (await wanted).edges


def nodes(parent: strawberry.Parent[Any]) -> Awaitable[list[GroupResource]]:
    """Give the groups."""
    return _nodes(parent.slice())


async def _nodes(wanted: Awaitable[Slice]) -> list[GroupResource]:
    return [edge.node for edge in (await wanted).edges]


def page_info(parent: strawberry.Parent[Any]) -> Awaitable[Slice]:
    """Give the slice: it has the fields of PageInfo."""
    wanted: Awaitable[Slice] = parent.slice()
    return wanted


async def total_count(parent: strawberry.Parent[Any]) -> int | None:
    """Give the total."""
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
) -> Connection:
    """Make the connection that a field's arguments ask for. Raises BadUserInput."""
    context = info.context
    checked = paging(_given(first), _given(after), _given(last), _given(before))
    question = (wanted, checked, tuple(ids) if ids is not None else None)
    connection: Connection | None = context.known.get(question)
    if connection is None:
        reads = context.services.reads
        connection = reads.connection(context.operation, wanted, checked, ids)
        context.known[question] = connection
    return connection


def patient_groups(
    parent: strawberry.Parent[Any],
    info: Info,
    first: First = strawberry.UNSET,
    after: After = strawberry.UNSET,
    type: OfType = strawberry.UNSET,
) -> Connection:
    """Give the groups that a patient is a member of."""
    wanted = GroupFilter(type=code_of(type), patient=parent.id)
    return connect(info, wanted, first=first, after=after)


def practitioner_groups(
    parent: strawberry.Parent[Any],
    info: Info,
    first: First = strawberry.UNSET,
    after: After = strawberry.UNSET,
    type: OfType = strawberry.UNSET,
) -> Connection:
    """Give the groups that a practitioner is a member of."""
    wanted = GroupFilter(type=code_of(type), practitioner=parent.id)
    return connect(info, wanted, first=first, after=after)


def code_of(type: GroupType | None) -> str | None:
    """Give FHIR's code of a GroupType argument."""
    return str(type.value) if type else None


def _given(value: Value | None) -> Value | None:
    return None if value is strawberry.UNSET else value
