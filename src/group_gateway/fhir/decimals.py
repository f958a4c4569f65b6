"""FHIR decimals: numbers whose digits count, 1.50 as well as 1.5 (FHIR R4, section 2.24.0.1). Pure.

A number is shown with its original digits. One beyond the range of a double is not shown, because
JSON parsers could not read it.
"""

import math
import re
from decimal import Decimal, InvalidOperation

import msgspec

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""A number in JSON (RFC 8259, section 6)."""
_SIGNS = b"-0123456789"


class VerbatimDecimal(Decimal):
    """A Decimal with the text that it was parsed from, which `str` would write otherwise."""

    __slots__ = ("text",)
    text: str


def verbatim_decimal(text: str) -> Decimal:
    """Parse a number so that it can be encoded as it was written: `0.00000010`, `1e2`."""
    number = Decimal(text)
    if str(number) == text:
        return number
    verbatim = VerbatimDecimal(text)
    verbatim.text = text
    return verbatim


def encode_verbatim(value: object) -> msgspec.Raw:
    """Encode a VerbatimDecimal as it was written: the hook of an encoder."""
    if isinstance(value, VerbatimDecimal):
        return msgspec.Raw(value.text.encode())
    raise NotImplementedError(type(value).__name__)


def decimal_or_float(text: str) -> Decimal | float:
    """Parse a number of a request: a Decimal where a float would lose digits.

    A float stands for any number, also for an integer; a Decimal is for the scalar Decimal only.
    Raises msgspec.DecodeError beyond the range of a double.
    """
    number = float(text)
    if not math.isfinite(number):
        raise msgspec.DecodeError("Number out of range")
    if repr(number) == text or (number.is_integer() and "." not in text):
        return number
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond a Decimal's
        return number


def decimal_of(text: str) -> Decimal | None:
    """Parse the text of a number in JSON; return None for an invalid one."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond a Decimal's
        return None


def is_too_large(value: Decimal) -> bool:
    """Return whether a number is beyond the range of a double."""
    return not math.isfinite(float(value))


def json_number(value: object) -> msgspec.Raw | None:
    """Return a decoded number as JSON with its digits; None for one that can't be shown."""
    if type(value) not in (int, Decimal):
        return None
    try:
        if not math.isfinite(float(value)):  # type: ignore[arg-type]
            return None
    except OverflowError:
        return None
    return msgspec.Raw(str(value).encode())


def checked_number(raw: msgspec.Raw) -> msgspec.Raw:
    """Return JSON's text of a number, or null, in the form of `json_number`.

    Raises ValueError for any other JSON.
    """
    text = bytes(raw)
    if text == b"null":
        return raw
    if text[0] not in _SIGNS or not math.isfinite(float(text)):
        raise ValueError("not a number that can be shown")
    if b"e" in text or b"E" in text or text == b"-0":
        return msgspec.Raw(str(Decimal(text.decode()) if text != b"-0" else 0).encode())
    return raw


def is_more_exact(one: object, other: object) -> bool:
    """Return whether a Decimal has more digits after the point than another number."""
    return isinstance(one, Decimal) and _places(one) > _places(other)


def _places(number: object) -> int:
    """Return how many digits a number has after the point."""
    exponent = Decimal(str(number)).as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
