"""The operators of FHIRPath on collections of values."""

from collections.abc import Callable
from typing import Any

from group_gateway.fhir_graphql.fhirpath.comparison import (
    computed,
    equal,
    joined,
    logical,
    ordered,
    single,
)
from group_gateway.fhir_graphql.fhirpath.functions import distinct, same
from group_gateway.fhir_graphql.fhirpath.steps import wrong

Values = list[Any]


def operation(  # noqa: PLR0911 - one for each kind
    operator: str,
) -> Callable[[Values, Values], Values]:
    """Return the function of an operator with two operands."""
    match operator:
        case "and" | "or" | "xor" | "implies":
            return lambda a, b: _known(_logic(operator, logical(a), logical(b)))
        case "=" | "~":
            return lambda a, b: _known(same(a, b)) if operator == "~" or (a and b) else []
        case "!=" | "!~":
            return lambda a, b: _not(_known(same(a, b))) if operator == "!~" or (a and b) else []
        case "<" | "<=" | ">" | ">=":
            return lambda a, b: _compared(operator, single(a), single(b))
        case "|":
            return lambda a, b: distinct([*a, *b])
        case "in":
            return lambda a, b: [any(equal(single(a), item) for item in b)] if a else []
        case "contains":
            return lambda a, b: [any(equal(single(b), item) for item in a)] if b else []
        case "&":
            return lambda a, b: [joined(_text(single(a)), _text(single(b)))]
        case _:
            return lambda a, b: _computed(operator, single(a), single(b))


def _known(value: bool | None) -> Values:  # noqa: FBT001 - the value of three-valued logic
    return [] if value is None else [value]


def _not(values: Values) -> Values:
    return [not value for value in values]


def _logic(operator: str, a: bool | None, b: bool | None) -> bool | None:  # noqa: FBT001
    """Return the result of an operator of three-valued logic."""
    match operator:
        case "and":
            return False if a is False or b is False else None if None in {a, b} else True
        case "or":
            return True if a or b else None if None in {a, b} else False
        case "implies":
            return True if a is False or b else None if None in {a, b} else False
    return None if a is None or b is None else a != b


def _compared(operator: str, left: Any, right: Any) -> Values:
    if left is None or right is None:
        return []
    order = ordered(left, right)
    if order is None:
        return []
    wanted = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}[operator]
    return [order in wanted]


def _computed(operator: str, left: Any, right: Any) -> Values:
    if left is None or right is None:
        return []
    return _known(computed(operator, left, right))


def _text(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise wrong("joins a value that is no text")
    return value or ""
