"""Resolvers of `Group.history` and of the types below it."""

import asyncio
from dataclasses import dataclass
from typing import Any

import strawberry

from group_gateway.concurrency import started
from group_gateway.fhir.history_bundle import HistoryEntry
from group_gateway.groups.reading.connections.relay_connection import Edge, PageInfo
from group_gateway.groups.reading.group_history import PROVENANCE, VersionPage
from group_gateway.schema.arguments import AfterVersion, FirstVersions
from group_gateway.schema.context import Info
from group_gateway.schema.input_fields import given


@dataclass(frozen=True, slots=True)
class VersionConnection:
    """A page of versions, as `GroupHistoryConnection` shows them."""

    page: VersionPage

    @property
    def edges(self) -> list[Edge[HistoryEntry]]:
        """The versions with their cursors."""
        return self.page.edges

    @property
    def nodes(self) -> list[HistoryEntry]:
        """The versions."""
        return [edge.node for edge in self.page.edges]

    @property
    def page_info(self) -> PageInfo:
        """Where the page stands: newer versions precede it, older ones follow."""
        return PageInfo(self.page.edges, self.page.more, self.page.continued)


async def history(
    parent: strawberry.Parent[Any],
    info: Info,
    first: FirstVersions = strawberry.UNSET,
    after: AfterVersion = strawberry.UNSET,
) -> VersionConnection | None:
    """Return a page of the group's versions; None where the upstream keeps none."""
    context = info.context
    count, cursor = given(first), given(after)
    key = ("history", parent.id, count, cursor)
    if key not in context.memo:
        context.memo[key] = started(
            context.services.history.page(context.operation, parent.id, count, cursor)
        )
    page: VersionPage | None = await asyncio.shield(context.memo[key])
    if page is None:
        return None
    context.operation.record_read((parent.id,))
    if page.broken:
        context.report(info, "The upstream's history omits versions of the group, or is broken.")
    return VersionConnection(page)


async def who(parent: strawberry.Parent[HistoryEntry], info: Info) -> str | None:
    """Return who made a version, by Provenance or by the version itself."""
    context = info.context
    key = ("agents", parent.id)
    if key not in context.memo:
        asking = started(context.services.history.agents(context.operation, parent.id))
        context.memo[key] = asking
    agents = await asyncio.shield(context.memo[key])
    agent = agents.get(parent.version)
    if agent is None:
        return parent.source
    context.operation.record_read((f"{PROVENANCE}/{agent.record}",))
    return str(agent.who)
