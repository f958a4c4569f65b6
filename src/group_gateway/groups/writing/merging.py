"""Replace an old value by a new one and keep what inputs can't express. Pure.

An input can express the elements of the table `group_elements`. It can't express the extensions
and ids inside them, so these are kept. Entries of a list are matched by what identifies them.

Two things are not kept. The `_x` of a primitive `x` is removed with it, and if `x` has a value,
`_x` does not say why it has none. A choice type has one value, so a new `valueX` replaces every
other and its `_valueX`.
"""

import re
from collections import defaultdict, deque
from decimal import Decimal
from typing import Any

import msgspec

from group_gateway.fhir.decimals import is_more_exact
from group_gateway.fhir.group_elements import ElementDefinition


class Malformed(ValueError):
    """The old value is invalid FHIR, so that a new one in its place would lose it.

    `path` leads to it, outermost first.
    """

    def __init__(self, *path: str | int) -> None:
        super().__init__(path)
        self.path = path


_CHOICE = re.compile("_?value[A-Z].*")
_ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

_canonical = msgspec.json.Encoder(order="sorted")


def merged(element: ElementDefinition, old: Any, new: Any) -> Any:
    """Return the `new` value of an element, with what inputs can't express from the old one.

    Raises Malformed.
    """
    if old is new:
        return new
    if isinstance(new, list):
        return _merged_list(element, old, new)
    if isinstance(old, list) or (isinstance(old, dict) and not isinstance(new, dict)):
        raise Malformed(element.name)
    if isinstance(new, dict) and isinstance(old, dict):
        return _merged_object(element, old, new)
    if isinstance(new, dict) and not (old is None or _is_bare(element, old)):
        raise Malformed(element.name)
    return old if _equal(old, new) and not is_more_exact(new, old) else new


def _is_bare(element: ElementDefinition, old: Any) -> bool:
    """Return whether a value is a string in the place of a CodeableConcept or a Reference."""
    return isinstance(old, str) and not element.elements.keys().isdisjoint({"text", "reference"})


def _merged_list(element: ElementDefinition, old: Any, new: list[Any]) -> list[Any]:
    entries = [old] if isinstance(old, dict) else old or []
    if not isinstance(entries, list) or not all(isinstance(e, dict | None) for e in entries):
        raise Malformed(element.name)
    partners = _partners(element, entries, new)
    return [merged(element, *pair) for pair in zip(partners, new, strict=True)]


def _merged_object(
    element: ElementDefinition, old: dict[str, Any], new: dict[str, Any]
) -> dict[str, Any]:
    inside = element.elements
    chooses = any(_CHOICE.fullmatch(key) for key in new)
    result = {}
    for key, value in old.items():
        base = key.removeprefix("_")
        if key in new:
            result[key] = _merged_part(element.name, inside[key], value, new[key])
        elif base in new:
            result[key] = described(value, old.get(base), new[base])
        elif base not in inside and not (chooses and _CHOICE.fullmatch(key)):
            result[key] = value
    stays = {key: value for key, value in result.items() if value is not None}
    return stays | {key: value for key, value in new.items() if key not in old}


def _merged_part(name: str, part: ElementDefinition, old: Any, new: Any) -> Any:
    try:
        return merged(part, old, new)
    except Malformed as problem:
        raise Malformed(name, *problem.path) from problem


def described(description: Any, old: Any, new: Any) -> Any:
    """Return the `_x` of a primitive that is now `new`, None when nothing of it is left.

    A removed primitive has no description, and one with a value is not absent.
    """
    if new is None:
        return None
    if _equal(old, new) or not isinstance(description, dict):
        return description
    extensions = description.get("extension")
    if not isinstance(extensions, list):
        return description
    kept = [e for e in extensions if not (isinstance(e, dict) and e.get("url") == _ABSENT_REASON)]
    rest = {key: value for key, value in description.items() if key != "extension"}
    return (rest | ({"extension": kept} if kept else {})) or None


def _partners(element: ElementDefinition, old: list[Any], new: list[Any]) -> list[Any]:
    """Return for each new entry the old one that it replaces, None for a new one."""
    found: list[Any] = [None] * len(new)
    taken: set[int] = set()
    for identity in element.identity:
        parts = [element.elements[name] for name in identity]
        known: dict[bytes, deque[Any]] = defaultdict(deque)
        for entry in old:
            if id(entry) not in taken:
                known[_key(parts, entry)].append(entry)
        for index, entry in enumerate(new):
            candidates = known.get(_key(parts, entry))
            if found[index] is None and candidates:
                found[index] = candidates.popleft()
                taken.add(id(found[index]))
    return found


def _key(parts: list[ElementDefinition], entry: Any) -> bytes:
    if not isinstance(entry, dict):
        return b""
    return _canonical.encode([_visible(part, entry.get(part.name)) for part in parts])


def _visible(element: ElementDefinition, value: Any) -> Any:
    """Return what an input could express of a value, in a form that compares as text."""
    if isinstance(value, list):
        return [_visible(element, item) for item in value]
    inside = element.elements
    if isinstance(value, dict) and inside:
        return {k: _visible(inside[k], v) for k, v in value.items() if k in inside}
    return str(_number(value).normalize()) if _is_number(value) else value


def holds(actual: Any, wanted: Any) -> bool:
    """Return whether `actual` has everything that `wanted` has; it may have more."""
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(holds(actual.get(k), v) for k, v in wanted.items())
    if isinstance(wanted, list):
        entries = actual if isinstance(actual, list) else []
        return len(entries) == len(wanted) and all(map(holds, entries, wanted))
    if wanted is None:
        return actual in (None, [], {})
    return _equal(actual, wanted)


def _equal(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        return _number(one) == _number(other)
    return type(one) is type(other) and bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _number(value: Any) -> Decimal:
    """Return a number as it is written: 0.1 is one tenth."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
