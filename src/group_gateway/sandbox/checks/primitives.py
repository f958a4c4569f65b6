"""FHIR R4's primitive types: which JSON values each accepts, and how a wrong one is refused.

Codes and texts are those that `fhirstarter` 4.2.0 was seen to send.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, Final

from group_gateway.sandbox.outcome import Issue

Check = Callable[[Any], Issue | None]

_DATE = r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
_ZONE = r"(Z|[+-](0\d|1[0-4]):[0-5]\d)"
_FULL_DATE = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"


def _boolean(value: Any) -> Issue | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = "Input should be a valid boolean, unable to interpret input (type=bool_parsing)"
        return Issue("structure", text)
    return Issue("value", "Input should be a valid boolean (type=bool_type)")


def _decimal(value: Any) -> Issue | None:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return None
    return Issue("value", "Decimal input should be a number (type=decimal_type)")


def _unsigned(value: Any) -> Issue | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return Issue("value", "Input should be a valid integer (type=int_type)")
    if value < 0:
        text = "Input should be greater than or equal to 0 (type=greater_than_equal; ge=0)"
        return Issue("value", text)
    return None


def _text(pattern: re.Pattern[str], value: Any) -> Issue | None:
    if not isinstance(value, str):
        return Issue("value", "Input should be a valid string (type=string_type)")
    if pattern.fullmatch(value):
        return None
    text = f"String should match pattern '{pattern.pattern}' (type=string_pattern_mismatch)"
    return Issue("value", text)


def _like(pattern: str) -> Check:
    return partial(_text, re.compile(pattern))


PRIMITIVES: Final[Mapping[str, Check]] = {
    "boolean": _boolean,
    "decimal": _decimal,
    "unsignedInt": _unsigned,
    "string": _like(r"[ \r\n\t\S]+"),
    "code": _like(r"[^\s]+(\s[^\s]+)*"),
    "uri": _like(r"\S*"),
    "id": _like(r"[A-Za-z0-9\-.]{1,64}"),
    "dateTime": _like(f"{_DATE}|{_FULL_DATE}T{_TIME}{_ZONE}"),
    "instant": _like(f"{_FULL_DATE}T{_TIME}{_ZONE}"),
}
