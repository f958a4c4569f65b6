"""Quirks from and to JSON, strictly: a misspelt key must not pass for a default."""

from collections.abc import Iterable
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

import msgspec

from group_gateway.sandbox.quirks import FaultRule, Quirks

_QUIRKS = tuple(field.name for field in fields(Quirks))
_RULE = tuple(field.name for field in fields(FaultRule))


def parse_quirks(text: bytes) -> Quirks:
    """Parse quirks; absent ones have their defaults.

    Raise `ValueError` with the reason and path.
    """
    value = msgspec.json.decode(text)
    if isinstance(value, dict):
        _check_keys(value, _QUIRKS, "")
        rules = value.get("faults", ())
        for index, rule in enumerate(rules if isinstance(rules, list) else ()):
            _check_keys(rule if isinstance(rule, dict) else (), _RULE, f"faults[{index}].")
    return msgspec.convert(value, Quirks)


def quirks_to_json(quirks: Quirks) -> bytes:
    """Write all quirks, the defaults too."""
    return msgspec.json.encode(quirks)


def nearest(key: str, known: Iterable[str]) -> str:
    """Return a sentence that a key is unknown, with the nearest known one."""
    close = get_close_matches(key, tuple(known), n=1, cutoff=0.0)
    return f"unknown key '{key}': did you mean '{close[0]}'?"


def _check_keys(value: Iterable[Any], known: tuple[str, ...], where: str) -> None:
    for key in value:
        if key not in known:
            raise ValueError(where + nearest(key, known))
