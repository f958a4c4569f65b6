"""Comparison, equality, arithmetic and truth of FHIRPath values. Values are decoded JSON."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, DivisionByZero, InvalidOperation, localcontext
from typing import Any, Final

from group_gateway.fhir_graphql.fhirpath.steps import wrong
from group_gateway.fhir_graphql.fhirpath.syntax import Temporal

LONGEST_TEXT: Final = 10_000
"""Characters of a text that an expression makes."""
_PARTS: Final = re.compile(
    r"(?:(\d{4})(?:-(\d\d)(?:-(\d\d))?)?)?"
    r"(?:T?(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?)?(Z|[+-]\d\d:\d\d)?T?"
)
_NUMBERS: Final = (int, Decimal)


def truth(values: Sequence[Any]) -> bool:
    """Return whether a result counts as true: empty is false, a single boolean is its value."""
    if len(values) == 1 and isinstance(values[0], bool):
        return values[0]
    return bool(values)


def logical(values: Sequence[Any]) -> bool | None:
    """Return the value of a logical operand; None when it is empty."""
    if not values:
        return None
    if len(values) > 1:
        raise wrong("has more than one value where one boolean belongs")
    return values[0] if isinstance(values[0], bool) else True


def single(values: Sequence[Any]) -> Any:
    """Return the only value; None when there is none; raise BadUserInput for more."""
    if len(values) > 1:
        raise wrong("has more than one value where one belongs")
    return values[0] if values else None


def equal(left: Any, right: Any) -> bool | None:
    """Compare two values; None when dates of different precision can't be compared."""
    if isinstance(left, Temporal) or isinstance(right, Temporal):
        order = _temporal_order(left, right)
        return None if order is None else order == 0
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    return bool(left == right)


def ordered(left: Any, right: Any) -> int | None:
    """Return -1, 0 or 1 for two values in order; None when they can't be compared."""
    if isinstance(left, Temporal) or isinstance(right, Temporal):
        return _temporal_order(left, right)
    numbers = _is_number(left) and _is_number(right)
    if not numbers and not (isinstance(left, str) and isinstance(right, str)):
        raise wrong("compares values of different types")
    return int(left > right) - int(left < right)


def _is_number(value: Any) -> bool:
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def _temporal_order(left: Any, right: Any) -> int | None:
    ours, others = (_parts(_text(value)) for value in (left, right))
    if ours is None or others is None:
        return None
    for mine, other in zip(ours, others, strict=True):
        if mine is None and other is None:
            continue
        if mine is None or other is None:
            return None
        if mine != other:
            return 1 if mine > other else -1
    return 0


def _text(value: Any) -> str:
    return value.text if isinstance(value, Temporal) else value if isinstance(value, str) else ""


def _parts(text: str) -> list[Decimal | None] | None:
    """Return year, month, day, hour, minute and second, in UTC where a zone is named."""
    match = _PARTS.fullmatch(text)
    if match is None or not text:
        return None
    *found, zone = match.groups()
    parts = [None if part is None else Decimal(part) for part in found]
    if zone is None or zone == "Z" or None in parts[:5]:
        return parts
    year, month, day, hour, minute = (int(part or 0) for part in parts[:5])
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    shift = timedelta(hours=hours, minutes=minutes) * (1 if zone[0] == "+" else -1)
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=UTC) - shift
    except (ValueError, OverflowError):
        return None
    return [
        *map(Decimal, (moment.year, moment.month, moment.day, moment.hour, moment.minute)),
        *parts[5:],
    ]


def _add(left: Any, right: Any) -> Any:
    return joined(left, right) if isinstance(left, str) and isinstance(right, str) else None


def joined(left: str, right: str) -> str:
    """Return two texts as one; raise BadUserInput when it is too long."""
    if len(left) + len(right) > LONGEST_TEXT:
        raise wrong("makes too long a text")
    return left + right


_ARITHMETIC: Final[Mapping[str, Callable[[Decimal, Decimal], Decimal]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "div": lambda a, b: Decimal(int(a / b)),
    "mod": lambda a, b: a % b,
}


def computed(operator: str, left: Any, right: Any) -> Any:
    """Return the result of an arithmetic operator; None for a division by zero."""
    if operator == "+" and (text := _add(left, right)) is not None:
        return text
    if not _is_number(left) or not _is_number(right):
        raise wrong("computes with values that are no numbers")
    with localcontext(prec=34, Emax=999, Emin=-999):
        try:
            result = _ARITHMETIC[operator](+Decimal(left), +Decimal(right))
        except (DivisionByZero, InvalidOperation):
            return None
        except ArithmeticError:
            raise wrong("computes a number that is too large") from None
    if abs(result.adjusted()) > LONGEST_TEXT:
        raise wrong("computes a number that is too large")
    exact = operator != "/" and isinstance(left, int) and isinstance(right, int)
    return int(result) if exact else result
