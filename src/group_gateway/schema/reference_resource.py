"""The target of a reference. Resolver of `Reference.resource`."""

from dataclasses import dataclass
from typing import Any

import strawberry

from group_gateway.errors import GatewayError, UpstreamInvalidResponse
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.group_rules import MEMBER_TYPES
from group_gateway.fhir.literal_reference import LiteralReference, is_below, parse_reference
from group_gateway.schema.context import Info
from group_gateway.schema.elements import elements_of

_STUBS = frozenset(MEMBER_TYPES)


@dataclass(frozen=True, slots=True)
class EntityStub:
    """An entity of which only type and id are known."""

    type: str
    id: str


def resource(parent: strawberry.Parent[Any], info: Info) -> Any:
    """Return the group, or the stub of another entity; None outside this upstream."""
    reference = followed(parent, info)
    if reference is None:
        return None
    if reference.type == "Group":
        return read_group(info, reference.id)
    return EntityStub(reference.type, reference.id) if reference.type in _STUBS else None


async def read_group(info: Info, id: str) -> GroupResource | None:
    """Return a group, read once in an operation that is executed again; None for none."""
    known = info.context.memo
    if id not in known:
        try:
            known[id] = await info.context.services.reads.get(info.context.operation, id)
        except GatewayError as error:
            known[id] = error
    if isinstance(known[id], GatewayError):
        raise known[id]
    found: GroupResource | None = known[id]
    return found


def followed(parent: object, info: Info) -> LiteralReference | None:
    """Return a reference into this upstream; None for any other one."""
    text = elements_of(parent).get("reference")
    if text is None:
        return None
    if not isinstance(text, str):
        raise UpstreamInvalidResponse("The upstream sent a broken `reference`.")
    reference = parse_reference(text)
    if reference is None or not is_below(reference.base, info.context.services.upstream_url):
        return None
    return reference
