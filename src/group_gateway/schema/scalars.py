"""Scalars: decimals that keep their digits, and FHIR values of any type as JSON."""

from decimal import Decimal
from typing import Any, NewType

import msgspec
import strawberry
from graphql import FloatValueNode, GraphQLError, IntValueNode, StringValueNode, ValueNode

from group_gateway.fhir.decimals import decimal_of, json_number

_json = msgspec.json.Encoder(decimal_format="number")


def _shown(value: object) -> msgspec.Raw:
    number = json_number(value)
    if number is None:
        raise GraphQLError("Not a decimal.")
    return number


def _parsed(value: object) -> Decimal:
    # A bool is an int. A text is for clients whose numbers have no trailing zeros.
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise GraphQLError("Not a decimal.")
    number = decimal_of(repr(value) if isinstance(value, float) else str(value))
    if number is None:
        raise GraphQLError("Not a decimal.")
    return number


def _parsed_node(node: ValueNode, _variables: Any = None) -> Decimal:
    if isinstance(node, IntValueNode | FloatValueNode | StringValueNode):
        return _parsed(node.value)
    raise GraphQLError("Not a decimal.", node)


DECIMAL = strawberry.scalar(
    name="Decimal",
    description="A decimal number whose digits count: 1.50 is more exact than 1.5 (FHIR R4 "
    "decimal). In an input it may also be a string, for clients whose numbers lose digits.",
    serialize=_shown,
    parse_value=_parsed,
    parse_literal=_parsed_node,
)
"""How `decimal.Decimal` is shown."""

FhirValue = NewType("FhirValue", object)


def _shown_value(value: object) -> msgspec.Raw:
    try:
        return msgspec.Raw(_json.encode(value))
    except (TypeError, RecursionError) as error:
        raise GraphQLError("The upstream sent a broken value.") from error


def _no_input(_value: object) -> object:
    raise GraphQLError("Not an input.")


FHIR_VALUE = strawberry.scalar(
    name="JSON",
    description="A FHIR value of any type: a primitive, or an object with FHIR's element names.",
    serialize=_shown_value,
    parse_value=_no_input,
)
"""How `FhirValue` is shown."""
