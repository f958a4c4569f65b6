"""Fields of resources other than Group, which are read from the upstream."""

from collections.abc import Callable
from typing import Any

import strawberry
import strawberry.federation

from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.fhir.fhir_resource import FhirResource, NotAResource
from group_gateway.resources.resource_loader import PendingResource
from group_gateway.schema.context import Info
from group_gateway.schema.elements import (
    BROKEN,
    EMPTY_WHEN_ABSENT,
    PLAIN_ELEMENT,
    Element,
    accepted,
    items,
)
from group_gateway.schema.reference_resource import EntityStub

Show = Callable[[Element, Info], Any]


def read_resource(info: Info, type: str, id: str) -> PendingResource:
    """Start to read a resource, once in an operation. Raise GatewayError."""
    known, key = info.context.memo, (type, id)
    found: PendingResource | None = known.get(key)
    if found is None:
        services, operation = info.context.services, info.context.operation
        found = known[key] = services.resources.begin(operation, type, id)
    return found


def one(kind: Any, name: str, description: str) -> Any:
    """Make the field of an optional element with one value."""

    def show(elements: Element, _: Info) -> Any:
        value = elements.get(name)
        if value is None:
            return None
        shown = accepted(kind, value)
        if shown is BROKEN:
            raise UpstreamInvalidResponse(f"The upstream sent a broken `{name}`.")
        return shown

    return _field(kind | None, description, show, {PLAIN_ELEMENT: name})


def many(kind: Any, name: str, description: str) -> Any:
    """Make the field of a list. It is null only if the resource could not be read.

    A router may select it beside fields that need no read, which a failed read must not affect.
    """
    json_type = str if kind is str else dict

    def show(elements: Element, info: Info) -> Any:
        return items(json_type, elements, name, info)

    metadata = {PLAIN_ELEMENT: name, EMPTY_WHEN_ABSENT: True}
    return _field(list[kind] | None, description, show, metadata)


def _field(kind: Any, description: str, show: Show, metadata: dict[str, Any]) -> Any:
    def resolve(parent: strawberry.Parent[Any], info: Info) -> Any:
        if isinstance(parent, EntityStub):
            return _read_and_show(parent, info, show)
        return show(_elements_of(parent), info)

    return strawberry.federation.field(
        resolver=resolve,
        graphql_type=kind,
        description=description,
        shareable=True,
        metadata=metadata,
    )


async def _read_and_show(stub: EntityStub, info: Info, show: Show) -> Any:
    """Read the resource of an object, and return what the field shows; None if it doesn't exist."""
    resource = await read_resource(info, stub.type, stub.id)
    return None if resource is None else show(_elements_of(resource), info)


def _elements_of(resource: FhirResource) -> Element:
    try:
        return resource.elements
    except NotAResource as error:
        raise UpstreamInvalidResponse("The upstream sent a broken resource.") from error
