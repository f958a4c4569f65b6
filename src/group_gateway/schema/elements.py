"""How fields read FHIR JSON: leniently where FHIR servers differ, and never hiding what is broken.

A source is a `GroupResource`, a decoded JSON object, or any object with attributes. An element
that is not what FHIR says becomes an error of its field; where the field can't be null the error
is reported beside FHIR's own default.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import strawberry

from group_gateway.fhir.resource import GroupResource
from group_gateway.schema.context import Info

PLAIN_ELEMENT = "plain-element"
"""Metadata of a field that shows one FHIR element, whose name it holds: for an element that is as
FHIR says the resolver adds nothing, so a compiled selection may read it without calling."""

Element = dict[str, Any]
Kind = TypeVar("Kind")


class JsonObject:
    """Base of types whose values are JSON objects; anything else is an error of the field."""

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Tell whether a value can be shown as this type (asked by graphql-core)."""
        return isinstance(value, dict)


@cache
def element_name(python_name: str) -> str:
    """Give FHIR's name of a field: `value_boolean` → `valueBoolean`."""
    head, *tail = python_name.split("_")
    return head + "".join(map(str.capitalize, tail))


def elements_of(source: object) -> Element:
    """Give the decoded elements of a source."""
    if isinstance(source, GroupResource):
        return source.elements
    return source if isinstance(source, dict) else {}


def default_resolver(source: object, python_name: str) -> object:
    """Resolve a field that has no resolver of its own."""
    if isinstance(source, GroupResource | dict):
        return elements_of(source).get(element_name(python_name))
    return getattr(source, python_name)


def resolved(
    resolver: Callable[..., Any], kind: Any, description: str, element: str | None = None
) -> Any:
    """Make a field of GraphQL type `kind` whose resolver gives sources, not instances of it.

    `element` is the FHIR element that it merely shows when it is given no arguments, if any.
    """
    return strawberry.field(
        resolver=resolver,
        graphql_type=kind,
        description=description,
        metadata={PLAIN_ELEMENT: element} if element else None,
    )


def as_concept(value: object) -> object:
    """Accept a bare string where FHIR wants a CodeableConcept."""
    return {"text": value} if isinstance(value, str) else value


def as_reference(value: object) -> object:
    """Accept a bare string where FHIR wants a Reference."""
    return {"reference": value} if isinstance(value, str) else value


def read(kind: type[Kind], name: str, accept: Callable[[object], object], description: str) -> Any:
    """Make the field of a nullable element that `accept` may reshape."""

    def resolve(parent: strawberry.Parent[Any]) -> Any:
        return accept(elements_of(parent).get(name))

    return strawberry.field(
        resolver=resolve,
        graphql_type=kind | None,
        description=description,
        metadata={PLAIN_ELEMENT: name},
    )


def required(
    kind: type[Kind], name: str, accept: Callable[[object], object], description: str
) -> Any:
    """Make the field of a required object; a missing or broken one is reported and shown empty."""

    def resolve(parent: strawberry.Parent[Any], info: Info) -> Any:
        value = accept(elements_of(parent).get(name))
        if isinstance(value, dict):
            return value
        info.context.report(info, f"The upstream sent a broken or no `{name}`.")
        return {}

    return strawberry.field(
        resolver=resolve,
        graphql_type=kind,
        description=description,
        metadata={PLAIN_ELEMENT: name},
    )


def flag(name: str, description: str) -> Any:
    """Make the field of a boolean that is false when absent; a broken one is reported."""

    def resolve(parent: strawberry.Parent[Any], info: Info) -> bool:
        value = elements_of(parent).get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        info.context.report(info, f"The upstream sent a broken `{name}`.")
        return False

    return strawberry.field(
        resolver=resolve,
        graphql_type=bool,
        description=description,
        metadata={PLAIN_ELEMENT: name},
    )


def objects(source: object, name: str, info: Info) -> list[Element]:
    """Give the objects of a list element; absent is empty, and what is broken is reported."""
    value = elements_of(source).get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        info.context.report(info, f"The upstream sent a broken `{name}`.")
        return []
    found = [item for item in value if isinstance(item, dict)]
    if len(found) != len(value):
        info.context.report(info, f"The upstream sent broken items in `{name}`.")
    return found


def list_of(kind: type[Kind], name: str, description: str) -> Any:
    """Make the field of a list of objects."""

    def resolve(parent: strawberry.Parent[Any], info: Info) -> Any:
        return objects(parent, name, info)

    return strawberry.field(
        resolver=resolve,
        graphql_type=list[kind],  # type: ignore[valid-type]
        description=description,
        metadata={PLAIN_ELEMENT: name},
    )
