"""Recovery of JSON that is almost valid: a Bundle with invalid entries, texts without escapes."""

import json
import re
from typing import Any, Final

import msgspec

_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[{\]}]', re.DOTALL)
"""A string, or a bracket outside of strings. A string that the end cuts off matches too: otherwise
each quote in it would be tried as the start of another string, in quadratic time."""
_ENTRY_LEVEL: Final = 3
"""Levels of an entry: the Bundle, the list, the entry itself."""
_DEEPEST: Final = 300
"""Levels that any decoder takes."""


def salvaged(raw: bytes) -> bytes:
    """Return the same JSON with null in place of each invalid entry.

    An entry is invalid with a lone surrogate, `NaN` or `Infinity`, or too many levels. Raises
    DecodeError when anything outside of the entries is invalid.
    """
    try:
        bundle = json.loads(
            _without_deep_entries(raw).decode("utf-8", "surrogateescape"),
            strict=False,
            parse_float=_verbatim,
            parse_int=_verbatim,
            parse_constant=_NoNumber,
        )
        if isinstance(bundle, dict) and isinstance(bundle.get("entry"), list):
            bundle["entry"] = [_encodable(entry) for entry in bundle["entry"]]
        return msgspec.json.encode(bundle)
    except (ValueError, RecursionError, TypeError) as error:
        raise msgspec.DecodeError("not JSON") from error


def with_escapes(raw: bytes) -> bytes:
    """Return a resource's JSON with the control characters in its texts escaped.

    Raises DecodeError when anything else is invalid.
    """
    try:
        found = json.loads(
            raw.decode(),  # else it would take UTF-16 too, which FHIR does not
            strict=False,
            parse_float=_verbatim,
            parse_int=_verbatim,
            parse_constant=_NoNumber,
        )
        return msgspec.json.encode(found)
    except (ValueError, RecursionError, TypeError) as error:
        raise msgspec.DecodeError("not JSON") from error


class _NoNumber:
    """Stands for `NaN` or `Infinity`, which JSON can't express."""

    def __init__(self, name: str) -> None:
        self.name = name


def _without_deep_entries(raw: bytes) -> bytes:
    kept: list[bytes] = []
    level = deepest = begin = end = 0
    for token in _TOKEN.finditer(raw):
        sign = token[0]
        if sign in {b"{", b"["}:
            level += 1
            deepest = max(deepest, level)
            if level == _ENTRY_LEVEL:
                begin, deepest = token.start(), level
        elif sign in {b"}", b"]"}:
            if level == _ENTRY_LEVEL and deepest > _DEEPEST:
                kept += [raw[end:begin], b"null"]
                end = token.end()
            level -= 1
    return b"".join([*kept, raw[end:]])


def _verbatim(number: str) -> msgspec.Raw:
    return msgspec.Raw(number.encode())


def _encodable(entry: Any) -> msgspec.Raw | None:
    try:
        return msgspec.Raw(msgspec.json.encode(entry))
    except (ValueError, RecursionError, TypeError):
        return None
