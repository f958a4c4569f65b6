"""How fields read FHIR JSON: leniently where FHIR servers differ, and never hiding what is broken.

A source is a `GroupResource`, a decoded JSON object, or any object with attributes. An element
has the JSON type that FHIR gives it, or it is broken: `5` is no string, `"5"` no integer, `1` no
boolean, `3.0` no integer, although GraphQL's own scalars would let them pass. What FHIR says beyond
that (a date's form, a code's value set) is left as it came, but for codes that are an enum here.
A broken element is an error of its field; where the field can't be null the error is reported
beside FHIR's own default. The error never holds the value.
"""

from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from functools import cache, cached_property
from typing import Any, ClassVar, Final, TypeVar

import strawberry
from strawberry.types.base import StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.fhir.decimals import json_number
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.schema.context import Info

PLAIN_ELEMENT = "plain-element"
"""Metadata of a field that shows one FHIR element, whose name it holds. If the element is valid,
the resolver adds nothing, so a compiled selection may read it without calling the resolver."""
EMPTY_WHEN_ABSENT = "empty-when-absent"
"""Metadata of such a field that is nullable, but an empty list if the element is absent."""

Element = dict[str, Any]
Kind = TypeVar("Kind")


class _Broken(Enum):
    BROKEN = "broken"


BROKEN: Final = _Broken.BROKEN
"""What `accepted` returns for a value that is invalid FHIR."""

_INT = range(-(2**31), 2**31)  # GraphQL specification, section 3.5.1
_JSON_TYPES: dict[object, type] = {
    str: str,
    strawberry.ID: str,
    bool: bool,
    int: int,
}


class JsonObject:
    """Base of types whose values are JSON objects; anything else is an error of the field.

    `bare` is the element for a bare string in the place of the object.
    """

    bare: ClassVar[str | None] = None

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Return whether a value can be shown as this type (called by graphql-core)."""
        return isinstance(value, dict)


@cache
def element_name(python_name: str) -> str:
    """Return FHIR's name of a field: `value_boolean` → `valueBoolean`."""
    head, *tail = python_name.split("_")
    return head + "".join(map(str.capitalize, tail))


def elements_of(source: object) -> Element:
    """Return the decoded elements of a source."""
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
    """Make a field of GraphQL type `kind` whose resolver returns sources, not instances of it.

    `element` is the FHIR element that it shows unchanged without arguments, if any.
    """
    return strawberry.field(
        resolver=resolver,
        graphql_type=kind,
        description=description,
        metadata={PLAIN_ELEMENT: element} if element else None,
    )


def accepted(kind: Any, value: object) -> Any:
    """Return the value to show for a field of type `kind`; BROKEN if it does not fit."""
    if kind is Decimal:
        return BROKEN if json_number(value) is None else value
    json_type = _JSON_TYPES.get(kind)
    if json_type is not None:
        fits = type(value) is json_type and (kind is not int or value in _INT)
        return value if fits else BROKEN
    if isinstance(kind, StrawberryEnumDefinition):
        return value if any(value == code.value for code in kind.values) else BROKEN
    if isinstance(value, str) and kind.bare is not None:
        return {kind.bare: value}
    return value if isinstance(value, dict) else BROKEN


class ElementField(StrawberryField):
    """A field that shows one FHIR element unchanged."""

    def get_result(self, source: Any, info: object, args: object, kwargs: object) -> Any:  # noqa: ARG002 - Strawberry's signature
        """Return the element, None when it is absent; raise UpstreamInvalidResponse."""
        name = element_name(self.python_name)
        value = elements_of(source).get(name)
        if value is None:
            return None
        shown = accepted(self._kind, value)
        if shown is BROKEN:
            raise UpstreamInvalidResponse(f"The upstream sent a broken `{name}`.")
        return shown

    @cached_property
    def _kind(self) -> Any:
        kind = self.type
        return kind.of_type if isinstance(kind, StrawberryOptional) else kind


def element(description: str) -> Any:
    """Make the field of an optional element of the field's type."""
    return ElementField(description=description)


def required(kind: type[JsonObject], name: str, description: str) -> Any:
    """Make the field of a required object; report a missing or invalid one and show it empty."""

    def resolve(parent: strawberry.Parent[Any], info: Info) -> Any:
        value = accepted(kind, elements_of(parent).get(name))
        if value is not BROKEN:
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
    """Make the field of a boolean that is false when absent; report an invalid one."""

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
    """Return the objects of a list element, empty when absent; report invalid ones."""
    return items(dict, source, name, info)


def items(kind: type[Kind], source: object, name: str, info: Info) -> list[Kind]:
    """Return the items of a list element, empty when absent; report invalid ones."""
    value = elements_of(source).get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        info.context.report(info, f"The upstream sent a broken `{name}`.")
        return []
    found = [item for item in value if isinstance(item, kind)]
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


def texts(name: str, description: str) -> Any:
    """Make the field of a list of strings."""

    def resolve(parent: strawberry.Parent[Any], info: Info) -> list[str]:
        return items(str, parent, name, info)

    return strawberry.field(
        resolver=resolve,
        graphql_type=list[str],
        description=description,
        metadata={PLAIN_ELEMENT: name},
    )
