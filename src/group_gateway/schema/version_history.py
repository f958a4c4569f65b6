"""Resolvers of `Group.history` and of the types below it."""

import asyncio
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import strawberry

from group_gateway.concurrency import started
from group_gateway.errors import GatewayError
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.history_bundle import GroupVersion
from group_gateway.groups.reading.cursor import Cursors
from group_gateway.groups.reading.group_history import VersionPage
from group_gateway.schema.arguments import AfterVersion, FirstVersions
from group_gateway.schema.context import Info
from group_gateway.schema.input_fields import given


@dataclass(frozen=True, slots=True)
class VersionSource:
    """A version of the group with an id."""

    id: str
    entry: GroupVersion

    @property
    def version(self) -> str | None:
        """The upstream's id of the version."""
        return self.entry.version

    @property
    def when(self) -> str | None:
        """When it was made."""
        return self.entry.when

    @property
    def group(self) -> GroupResource | None:
        """The group then."""
        return self.entry.group


@dataclass(frozen=True, slots=True)
class VersionEdgeSource:
    """A version and its cursor, which is made on demand."""

    node: VersionSource
    place: list[Any]
    cursors: Cursors

    @property
    def cursor(self) -> str:
        """The place of the version, opaque."""
        return self.cursors.encode(self.place)


@dataclass(frozen=True)
class HistorySource:
    """A page of versions, as `GroupHistoryConnection` shows them."""

    id: str
    page: VersionPage

    @cached_property
    def edges(self) -> list[VersionEdgeSource]:
        """The versions with their cursors."""
        return [
            VersionEdgeSource(VersionSource(self.id, each.node), each.place, self.page.cursors)
            for each in self.page.versions
        ]

    @property
    def nodes(self) -> list[VersionSource]:
        """The versions."""
        return [edge.node for edge in self.edges]

    @property
    def page_info(self) -> "HistorySource":
        """Itself: it has the fields of PageInfo too."""
        return self

    @property
    def has_next_page(self) -> bool:
        """Whether older versions follow."""
        return self.page.more

    @property
    def has_previous_page(self) -> bool:
        """Whether there are newer ones."""
        return self.page.continued

    @property
    def start_cursor(self) -> str | None:
        """The first edge's cursor."""
        return self.edges[0].cursor if self.edges else None

    @property
    def end_cursor(self) -> str | None:
        """The last edge's cursor."""
        return self.edges[-1].cursor if self.edges else None


async def history(
    parent: strawberry.Parent[Any],
    info: Info,
    first: FirstVersions = strawberry.UNSET,
    after: AfterVersion = strawberry.UNSET,
) -> HistorySource | None:
    """Return a page of the group's versions; None where the upstream keeps none."""
    context = info.context
    count, cursor = given(first), given(after)
    key = ("history", parent.id, count, cursor)
    if key not in context.known:
        try:
            context.known[key] = await context.services.history.page(
                context.operation, parent.id, count, cursor
            )
        except GatewayError as error:
            context.known[key] = error
    page = _answer(context.known[key])
    if page is None:
        return None
    context.operation.record_read((parent.id,))
    if page.broken:
        context.report(info, "The upstream sent entries that are no versions of the group.")
    return HistorySource(parent.id, page)


async def who(parent: strawberry.Parent[VersionSource], info: Info) -> str | None:
    """Return who made a version, by Provenance or by the version itself."""
    context = info.context
    key = ("agents", parent.id)
    if key not in context.known:
        asking = started(context.services.history.agents(context.operation, parent.id))
        context.known[key] = asking
    agents = await asyncio.shield(context.known[key])
    return agents.get(parent.version) or parent.entry.source


def _answer(known: Any) -> Any:
    if isinstance(known, GatewayError):
        raise known
    return known
