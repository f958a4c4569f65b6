"""Writes JSON text as upstreams might: any escape, any space, names repeated, numbers verbatim."""

import json
from random import Random
from typing import Any

_SPACES = ("", "", "", " ", "\n", "\t ", "  ")


class Number(str):
    """A JSON number as it is to be written, digit by digit."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """A JSON object as it is to be written, in this order; a name may come more than once."""

    __slots__ = ()


def written(value: Any, rng: Random, *, oddly: bool = False) -> str:
    """Return the JSON text of a value; `oddly` escapes and spaces what need not be."""
    match value:
        case Number():
            return str(value)
        case str():
            return _text(value, rng, oddly=oddly)
        case Pairs():
            items = [
                f"{_text(name, rng, oddly=oddly)}{_space(rng, oddly)}:{_space(rng, oddly)}"
                f"{written(inner, rng, oddly=oddly)}"
                for name, inner in value
            ]
            return _joined("{", items, "}", _space(rng, oddly))
        case list():
            items = [written(inner, rng, oddly=oddly) for inner in value]
            return _joined("[", items, "]", _space(rng, oddly))
        case _:
            return json.dumps(value)


def _joined(start: str, items: list[str], end: str, space: str) -> str:
    return f"{start}{space}{f'{space},'.join(items)}{space}{end}"


def _space(rng: Random, oddly: bool) -> str:  # noqa: FBT001 - a private helper
    return rng.choice(_SPACES) if oddly else ""


def _text(text: str, rng: Random, *, oddly: bool) -> str:
    plain = json.dumps(text, ensure_ascii=rng.random() < 0.5 if oddly else False)
    if not oddly or rng.random() < 0.7 or len(text) > 40:
        return plain
    units = text.encode("utf-16-be")
    codes = [int.from_bytes(units[i : i + 2]) for i in range(0, len(units), 2)]
    return '"' + "".join(f"\\u{code:04{rng.choice('xX')}}" for code in codes) + '"'
