"""Fields that show elements of resources other than Group, which are read from the upstream."""

from collections.abc import Callable
from typing import Any

import strawberry
import strawberry.federation

from group_gateway.errors import GatewayError, NotFound, UpstreamInvalidResponse
from group_gateway.fhir.fhir_resource import FhirResource, NotAResource
from group_gateway.schema.context import Info
from group_gateway.schema.elements import BROKEN, Element, accepted, items
from group_gateway.schema.reference_resource import EntityStub

Show = Callable[[Element, Info], Any]


async def read_resource(info: Info, type: str, id: str) -> FhirResource | None:
    """Return a resource; None where the caller finds none, or it was deleted."""
    known, question = info.context.known, (type, id)
    if question not in known:
        try:
            known[question] = await _read(info, type, id)
        except GatewayError as error:
            known[question] = error
    if isinstance(known[question], GatewayError):
        raise known[question]
    found: FhirResource | None = known[question]
    return found


async def _read(info: Info, type: str, id: str) -> FhirResource | None:
    try:
        return await info.context.services.resources.get(info.context.operation, type, id)
    except NotFound:
        return None


def one(kind: Any, name: str, description: str) -> Any:
    """Make the field of an element that is absent or has one value."""

    def show(elements: Element, _: Info) -> Any:
        value = elements.get(name)
        if value is None:
            return None
        shown = accepted(kind, value)
        if shown is BROKEN:
            raise UpstreamInvalidResponse(f"The upstream sent a broken `{name}`.")
        return shown

    return _field(kind | None, description, show)


def many(kind: Any, name: str, description: str) -> Any:
    """Make the field of a list. It is null only where the resource could not be read.

    A router may ask for it beside fields that need no read, which a failed read must leave alone.
    """
    json_type = str if kind is str else dict

    def show(elements: Element, info: Info) -> Any:
        return items(json_type, elements, name, info)

    return _field(list[kind] | None, description, show)


def _field(kind: Any, description: str, show: Show) -> Any:
    def resolve(parent: strawberry.Parent[Any], info: Info) -> Any:
        if isinstance(parent, EntityStub):
            return _read_and_show(parent, info, show)
        return show(_elements_of(parent), info)

    return strawberry.federation.field(
        resolver=resolve, graphql_type=kind, description=description, shareable=True
    )


async def _read_and_show(stub: EntityStub, info: Info, show: Show) -> Any:
    """Return what a resource shows that a router knows by its id; None where there is none."""
    resource = await read_resource(info, stub.type, stub.id)
    return None if resource is None else show(_elements_of(resource), info)


def _elements_of(resource: FhirResource) -> Element:
    try:
        return resource.elements
    except NotAResource as error:
        raise UpstreamInvalidResponse("The upstream sent a broken resource.") from error
