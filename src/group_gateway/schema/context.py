"""The context of an operation, for its resolvers."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import msgspec
import strawberry
from graphql import FieldNode, GraphQLError

from group_gateway.digests import DigestKeys
from group_gateway.errors import BadUserInput, UpstreamInvalidResponse
from group_gateway.fhir.operation_outcome import Issue
from group_gateway.groups.reading.fhir_searches import GroupSearches
from group_gateway.groups.reading.group_history import GroupHistory
from group_gateway.groups.reading.group_reads import GroupReads
from group_gateway.groups.reading.invalidation import Invalidator
from group_gateway.groups.watching.group_list import GroupList
from group_gateway.groups.watching.group_watches import BeginOperation, GroupEvent, GroupWatches
from group_gateway.groups.watching.list_watches import ListEvent, ListWatches
from group_gateway.groups.writing.writes import GroupWrites
from group_gateway.operation import Operation
from group_gateway.resources.resource_reads import ResourceReads


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, one set for a process."""

    reads: GroupReads
    searches: GroupSearches
    history: GroupHistory
    writes: GroupWrites
    invalidator: Invalidator
    watches: GroupWatches
    list_watches: ListWatches
    resources: ResourceReads
    keys: DigestKeys
    upstream_url: str


async def _nothing_follows() -> Operation:
    raise BadUserInput("Only a subscription can follow a group.")


class Context(msgspec.Struct):
    """One operation and the use cases.

    `memo` holds what was read for the operation, so that a second execution after a plan's
    fallback sends no further calls. `reported` are errors of elements that can't be shown although
    their place can't be null: the rest of the response remains, and the client sees what is
    missing. `is_incremental`: the result may be incremental.
    """

    operation: Operation
    services: Services
    reported: list[GraphQLError] = msgspec.field(default_factory=list)
    memo: dict[Any, Any] = msgspec.field(default_factory=dict)
    is_incremental: bool = False
    begin: BeginOperation = _nothing_follows
    """Starts the operation of a subscription's next event."""

    def changes(self, id: str, since: str | None) -> AsyncGenerator[GroupEvent, None]:
        """Follow a group, in later operations."""
        return self.services.watches.follow(self.begin, id, since)

    def list_changes(self, group_list: GroupList) -> AsyncGenerator[ListEvent, None]:
        """Follow a list of groups, in later operations."""
        return self.services.list_watches.follow(self.begin, group_list)

    def of_payload(self) -> "Context":
        """Return the context of an incremental payload, with its own reported errors."""
        return msgspec.structs.replace(self, reported=[])

    def report(self, info: "Info", message: str, issues: tuple[Issue, ...] = ()) -> None:
        """Add an error at the field of `info`."""
        self.reported.append(
            GraphQLError(
                message,
                nodes=field_nodes(info),
                path=info.path.as_list(),
                original_error=UpstreamInvalidResponse(message, issues=issues),
            )
        )


Info = strawberry.Info[Context, None]


def field_nodes(info: Info) -> list[FieldNode]:
    """Return the nodes of the document that select a field."""
    return info._raw_info.field_nodes  # noqa: SLF001 - Strawberry shows no nodes
