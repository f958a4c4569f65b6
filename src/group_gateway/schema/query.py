"""The root of all reads."""

from collections.abc import Awaitable

import strawberry

from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.connections.relay_connection import Connection
from group_gateway.schema.arguments import After, Before, First, GroupId, Last
from group_gateway.schema.connection_fields import connect
from group_gateway.schema.context import Info
from group_gateway.schema.elements import resolved
from group_gateway.schema.federation_service import Service, service
from group_gateway.schema.group import Group, GroupConnection, Patient, Practitioner
from group_gateway.schema.group_filter import Filter, OrderBy, orders_by, wanted_by
from group_gateway.schema.input_fields import given
from group_gateway.schema.reference_resource import read_group
from group_gateway.schema.relay_refetch import fetch_patient, fetch_practitioner, refetched
from group_gateway.schema.viewer import Viewer, viewer


def group_by_id(info: Info, id: GroupId) -> Awaitable[GroupResource | None]:
    """Return a group; None when there is none."""
    return read_group(info, id)


def groups(  # noqa: PLR0913 - the contract's arguments
    info: Info,
    *,
    filter: Filter = strawberry.UNSET,  # noqa: A002 - the contract's name
    order_by: OrderBy = strawberry.UNSET,
    first: First = strawberry.UNSET,
    after: After = strawberry.UNSET,
    last: Last = strawberry.UNSET,
    before: Before = strawberry.UNSET,
) -> Connection:
    """Return the groups that match a filter."""
    wanted = wanted_by(given(filter), info.context.services.upstream_url)
    ids = given(filter.id) if filter else None
    return connect(
        info,
        wanted,
        first=first,
        after=after,
        last=last,
        before=before,
        ids=None if ids is None else list(map(str, ids)),
        orders=orders_by(order_by),
    )


@strawberry.type(description="Reads of groups, as the caller may see them.")
class Query:
    """The query root."""

    _service: Service = strawberry.field(resolver=service, name="_service")
    group: Group | None = resolved(
        group_by_id, Group | None, "A group by its logical id; null when there is none."
    )
    groups: GroupConnection | None = resolved(
        groups,
        GroupConnection | None,
        "The groups that match the filter, a page of them: the first 20 unless told "
        "otherwise, 1000 at most.",
    )
    viewer: Viewer | None = resolved(
        viewer, Viewer | None, "Who asks; null where the gateway does not know it."
    )
    fetch_group: Group | None = refetched(group_by_id, Group)
    fetch_patient: Patient | None = refetched(fetch_patient, Patient)
    fetch_practitioner: Practitioner | None = refetched(fetch_practitioner, Practitioner)
