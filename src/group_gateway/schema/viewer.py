"""The caller as a FHIR resource, if its token names one, and the groups that it is a member of."""

from dataclasses import dataclass, replace
from typing import Any

import strawberry

from group_gateway.errors import BadUserInput
from group_gateway.fhir.literal_reference import parse_reference, reference_key
from group_gateway.groups.reading.connections.relay_connection import Connection
from group_gateway.groups.reading.filters.filter_table import BY_ID, GroupFilter
from group_gateway.schema.arguments import After, First
from group_gateway.schema.connection_fields import connect
from group_gateway.schema.context import Info
from group_gateway.schema.elements import resolved
from group_gateway.schema.group import GroupConnection
from group_gateway.schema.group_filter import Filter, OrderBy, orders_by, wanted_by
from group_gateway.schema.input_fields import given


@dataclass(frozen=True, slots=True)
class ViewerSource:
    """The reference of the caller."""

    reference: str


def viewer(info: Info) -> ViewerSource | None:
    """Return the caller; None when the token does not name it.

    Raises Unauthenticated without one.
    """
    reference = info.context.operation.caller.fhir_user
    if reference is None:
        return None
    return ViewerSource(reference_key(reference, info.context.services.upstream_url))


def viewer_groups(  # noqa: PLR0913 - the contract's arguments
    parent: strawberry.Parent[ViewerSource],
    info: Info,
    *,
    filter: Filter = strawberry.UNSET,  # noqa: A002 - the contract's name
    order_by: OrderBy = strawberry.UNSET,
    first: First = strawberry.UNSET,
    after: After = strawberry.UNSET,
) -> Connection:
    """Return the groups that the caller is a member of."""
    chosen = wanted_by(given(filter), info.context.services.upstream_url)
    ids = given(filter.id) if filter else None
    return connect(
        info,
        _with_member(chosen, parent.reference),
        first=first,
        after=after,
        ids=None if ids is None else list(map(str, ids)),
        orders=orders_by(order_by),
    )


def _with_member(wanted: GroupFilter, reference: str) -> GroupFilter:
    """Return the filter for groups that also have a member. Raises BadUserInput."""
    found = parse_reference(reference)
    field = BY_ID.get(found.type) if found is not None and found.base is None else None
    if found is not None and field is not None and getattr(wanted, field) is None:
        person: dict[str, Any] = {field: found.id}
        return replace(wanted, **person)
    if wanted.member is not None and wanted.member != reference:
        raise BadUserInput("A filter of the viewer's groups can't name that many members.")
    return replace(wanted, member=reference)


@strawberry.type(description="Who asks.")
class Viewer:
    """The caller, as a FHIR resource."""

    reference: str = strawberry.field(
        description="Who it is: `Practitioner/<id>`, by the token's `fhirUser`."
    )
    groups: GroupConnection | None = resolved(
        viewer_groups, GroupConnection | None, "The groups that they are a member of."
    )
