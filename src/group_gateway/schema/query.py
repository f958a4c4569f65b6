"""The root of all reads."""

from typing import Annotated

import strawberry

from group_gateway.errors import GatewayError
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.filters import GroupFilter
from group_gateway.groups.reading.relay_connection import Connection
from group_gateway.schema.arguments import After, Before, First, GroupId, Last
from group_gateway.schema.connection_fields import code_of, connect, given
from group_gateway.schema.context import Info
from group_gateway.schema.elements import resolved
from group_gateway.schema.enums import GroupType
from group_gateway.schema.federation_service import Service, service
from group_gateway.schema.group import Group, GroupConnection, Patient, Practitioner
from group_gateway.schema.relay_refetch import fetch_patient, fetch_practitioner, refetched


@strawberry.input(
    name="GroupFilter",
    description="Which groups to give: AND between the fields, OR inside a list.",
)
class GroupFilterInput:
    """The filter of `groups`."""

    id: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="Any of these logical ids, given in this order."
    )
    type: GroupType | None = strawberry.field(
        default=strawberry.UNSET, description="Groups made of this."
    )
    patient: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Groups with this patient as a member."
    )
    practitioner: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Groups with this practitioner as a member."
    )


Filter = Annotated[
    GroupFilterInput | None, strawberry.argument(description="Which groups; all unless told.")
]


async def group_by_id(info: Info, id: GroupId) -> GroupResource | None:
    """Return a group; None when there is none."""
    known = info.context.known
    if id not in known:
        try:
            known[id] = await info.context.services.reads.get(info.context.operation, id)
        except GatewayError as error:
            known[id] = error
    if isinstance(known[id], GatewayError):
        raise known[id]
    found: GroupResource | None = known[id]
    return found


def groups(  # noqa: PLR0913 - the contract's arguments
    info: Info,
    *,
    filter: Filter = strawberry.UNSET,  # noqa: A002 - the contract's name
    first: First = strawberry.UNSET,
    after: After = strawberry.UNSET,
    last: Last = strawberry.UNSET,
    before: Before = strawberry.UNSET,
) -> Connection:
    """Give the groups that fit a filter."""
    chosen = filter or GroupFilterInput()
    wanted = GroupFilter(
        type=code_of(chosen.type),
        patient=given(chosen.patient),
        practitioner=given(chosen.practitioner),
    )
    ids = list(map(str, chosen.id)) if isinstance(chosen.id, list) else None
    return connect(info, wanted, first=first, after=after, last=last, before=before, ids=ids)


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
        "The groups that fit the filter, a page of them: the first 20 unless told "
        "otherwise, 1000 at most.",
    )
    fetch_group: Group | None = refetched(group_by_id, Group)
    fetch_patient: Patient | None = refetched(fetch_patient, Patient)
    fetch_practitioner: Practitioner | None = refetched(fetch_practitioner, Practitioner)
