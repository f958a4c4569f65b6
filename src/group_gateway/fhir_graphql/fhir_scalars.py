"""FHIR's primitive types, and the types of search parameters, as GraphQL scalars."""

import re
from decimal import Decimal
from typing import Any, Final

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLInt,
    GraphQLScalarType,
    GraphQLString,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
)

_DATE: Final = r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?"
_CLOCK: Final = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
_ZONE: Final = r"(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))"
_DAY: Final = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_MOMENT: Final = rf"({_DATE}|{_DAY}T{_CLOCK}{_ZONE})"
_PREFIX: Final = r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?"

# FHIR R4, section 2.24.0.1. A `date` is also the value of a search parameter of that type, which
# may begin with a comparison and name a moment, also without seconds.
_PATTERNS: Final = {
    "base64Binary": r"[0-9a-zA-Z+/=\s]*",
    "canonical": r"\S*",
    "code": r"[^\s]+(\s[^\s]+)*",
    "date": rf"{_PREFIX}({_MOMENT}|{_DAY}T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?({_ZONE})?)",
    "dateTime": _MOMENT,
    "instant": rf"{_DAY}T{_CLOCK}{_ZONE}",
    "markdown": r"[\s\S]*",
    "oid": r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+",
    "time": _CLOCK,
    "uri": r"\S*",
    "url": r"\S*",
    "uuid": r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "xhtml": r"[\s\S]*",
}
_SEARCH: Final = ("token", "reference", "composite", "quantity", "number", "special")
_LONGEST: Final = 1024 * 1024


def _text_scalar(name: str, pattern: str) -> GraphQLScalarType:
    """Return a scalar whose values are JSON strings of this form."""
    fits = re.compile(pattern, re.ASCII).fullmatch

    def parse(value: Any) -> str:
        if not isinstance(value, str) or len(value) > _LONGEST or not fits(value):
            raise GraphQLError(f"Not a FHIR {name}.")
        return value

    def parse_node(node: ValueNode, _: Any = None) -> str:
        if not isinstance(node, StringValueNode | EnumValueNode):
            raise GraphQLError(f"Not a FHIR {name}.", node)
        return parse(node.value)

    return GraphQLScalarType(
        name,
        serialize=_text(name),
        parse_value=parse,
        parse_literal=parse_node,
        description=f"FHIR R4's type {name}.",
    )


def _text(name: str) -> Any:
    def serialize(value: Any) -> str:
        if not isinstance(value, str):
            raise GraphQLError(f"The upstream sent a broken {name}.")
        return value

    return serialize


def _search_scalar(name: str) -> GraphQLScalarType:
    """Return a scalar for values of a search parameter: any primitive value, as a text."""

    def parse(value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int | float | Decimal):
            return str(value)
        raise GraphQLError(f"Not a value of a search parameter of type {name}.")

    def parse_node(node: ValueNode, _: Any = None) -> str:
        if isinstance(node, BooleanValueNode):
            return parse(node.value)
        if isinstance(node, StringValueNode | EnumValueNode | IntValueNode | FloatValueNode):
            return node.value
        raise GraphQLError(f"Not a value of a search parameter of type {name}.", node)

    return GraphQLScalarType(
        name,
        serialize=_text(name),
        parse_value=parse,
        parse_literal=parse_node,
        description=f"A value of a search parameter of type {name} (FHIR R4, section 3.1.1.4).",
    )


def _decimal_of(value: Any) -> Decimal | int:
    """Return a number with its original digits."""
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise GraphQLError("Not a FHIR decimal.")
    return value


def _decimal_of_node(node: ValueNode, _: Any = None) -> Decimal | int:
    if isinstance(node, IntValueNode):
        return int(node.value) if len(node.value) < 1000 else Decimal(node.value)  # noqa: PLR2004
    if isinstance(node, FloatValueNode):
        return Decimal(node.value)
    raise GraphQLError("Not a FHIR decimal.", node)


def _contained_of(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        raise GraphQLError("A contained resource is an object with a `resourceType`.")
    return value


def _contained_of_node(node: ValueNode, variables: Any = None) -> dict[str, Any]:
    return _contained_of(_json_of(node, variables))


def _json_of(node: ValueNode, variables: Any) -> Any:
    """Return the JSON value of a literal; numbers keep their digits."""
    match node:
        case ObjectValueNode(fields=fields):
            return {f.name.value: _json_of(f.value, variables) for f in fields}
        case ListValueNode(values=values):
            return [_json_of(value, variables) for value in values]
        case IntValueNode() | FloatValueNode():
            return _decimal_of_node(node)
        case NullValueNode():
            return None
        case StringValueNode() | EnumValueNode() | BooleanValueNode():
            return node.value
    raise GraphQLError("A contained resource can't contain variables: pass it as one.", node)


DECIMAL: Final = GraphQLScalarType(
    "decimal",
    serialize=_decimal_of,
    parse_value=_decimal_of,
    parse_literal=_decimal_of_node,
    description="FHIR R4's type decimal: a JSON number that keeps its digits.",
)
CONTAINED_INPUT: Final = GraphQLScalarType(
    "ResourceInput",
    parse_value=_contained_of,
    parse_literal=_contained_of_node,
    description="A contained resource of any type, as a JSON object with its `resourceType`.",
)
_NATIVE: Final = {
    "string": GraphQLString,
    "boolean": GraphQLBoolean,
    "integer": GraphQLInt,
    "positiveInt": GraphQLInt,
    "unsignedInt": GraphQLInt,
    "id": GraphQLID,
    "decimal": DECIMAL,
}
_TEXTS: Final = {name: _text_scalar(name, pattern) for name, pattern in _PATTERNS.items()}
_SEARCHES: Final = {name: _search_scalar(name) for name in _SEARCH}
SCALARS: Final = (*_TEXTS.values(), DECIMAL, *_SEARCHES.values())
"""FHIR's own scalars, also those that no element or search parameter of this schema has."""


def scalar_for(type_name: str) -> GraphQLScalarType:
    """Return the scalar of a primitive type, or of a type of search parameters."""
    for known in (_NATIVE, _TEXTS, _SEARCHES):
        if type_name in known:
            return known[type_name]
    raise KeyError(type_name)
