"""FHIR's extensions: what a profile or a server adds to an element."""

import re
from typing import Annotated, Any

import strawberry

from group_gateway.schema.context import Info
from group_gateway.schema.elements import PLAIN_ELEMENT, JsonObject, elements_of, list_of, objects
from group_gateway.schema.scalars import FhirValue

_VALUE = re.compile("value[A-Z][A-Za-z0-9]*")
_NESTED: Any = list[Annotated["FhirExtension", strawberry.lazy("group_gateway.schema.extension")]]


def _url(parent: strawberry.Parent[Any], info: Info) -> str:
    url = elements_of(parent).get("url")
    if isinstance(url, str):
        return url
    info.context.report(info, "The upstream sent a broken or no `url`.")
    return ""


def _value(parent: strawberry.Parent[Any]) -> Any:
    elements = elements_of(parent)
    return next((elements[name] for name in elements if _VALUE.fullmatch(name)), None)


def _nested(parent: strawberry.Parent[Any], info: Info) -> Any:
    return objects(parent, "extension", info)


@strawberry.type(
    description="What a profile or a server adds to an element (FHIR R4 Extension). Not shareable: "
    "its `value` stands for FHIR's `value[x]` of any type."
)
class FhirExtension(JsonObject):
    """A FHIR R4 Extension."""

    url: str = strawberry.field(
        resolver=_url,
        description="What it means, a URI.",
        metadata={PLAIN_ELEMENT: "url"},
    )
    value: FhirValue | None = strawberry.field(
        resolver=_value,
        graphql_type=FhirValue | None,
        description="Its value; null where it has extensions instead.",
    )
    extension: list["FhirExtension"] = strawberry.field(
        resolver=_nested,
        graphql_type=_NESTED,
        description="The extensions that it consists of.",
        metadata={PLAIN_ELEMENT: "extension"},
    )


def extensions() -> Any:
    """Make the field of an element's extensions."""
    return list_of(FhirExtension, "extension", "What a profile or the server adds to it.")


def modifier_extensions() -> Any:
    """Make the field of the extensions that change what an element means."""
    return list_of(
        FhirExtension,
        "modifierExtension",
        "Extensions that change its meaning: a client that does not know one must not use it.",
    )
