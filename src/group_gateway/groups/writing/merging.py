"""A new value in the place of an old one, without losing what GraphQL can't say. Pure.

An input speaks FHIR's elements as far as the schema shows them; extensions and ids inside them it
can't. So a new value takes the place of what it can say, and the rest of the old one stays. The
entries of a list are matched by what identifies them.
"""

from collections import defaultdict, deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

Shape = Mapping[str, Any]
"""The elements that an input can say: each with the shape of what is inside, None for a leaf."""


def _leaves(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names)


PERIOD: Shape = _leaves("start", "end")
_CODING = _leaves("system", "version", "code", "display", "userSelected")
_CONCEPT = {"coding": _CODING, "text": None}
_QUANTITY = _leaves("value", "comparator", "unit", "system", "code")
_REFERENCE = _leaves("reference", "type", "display")
_IDENTIFIER = {**_leaves("use", "system", "value"), "type": _CONCEPT, "period": PERIOD}
_IDENTIFIER["assigner"] = _REFERENCE
_REFERENCE["identifier"] = _IDENTIFIER
_VALUES = {
    "valueCodeableConcept": _CONCEPT,
    "valueBoolean": None,
    "valueQuantity": _QUANTITY,
    "valueRange": {"low": _QUANTITY, "high": _QUANTITY},
    "valueReference": _REFERENCE,
}
_TRAIT = {"code": _CONCEPT, "exclude": None, "period": PERIOD, **_VALUES}
GROUP: Shape = {
    "code": _CONCEPT,
    "identifier": _IDENTIFIER,
    "managingEntity": _REFERENCE,
    "characteristic": _TRAIT,
}
_IDENTITIES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "coding": (("system", "code"),),
    "identifier": (("system", "value"),),
    "characteristic": (("code", *_VALUES), ("code",)),
}
"""What makes two entries of a list the same one; the first that fits."""

_canonical = msgspec.json.Encoder(order="sorted")


def merged(name: str, shape: Shape | None, old: Any, new: Any) -> Any:
    """Give `new` for an element called `name`, with what `old` holds beside its shape."""
    if isinstance(old, dict) and isinstance(new, dict) and shape is not None:
        return _merged_object(shape, old, new)
    if isinstance(old, list) and isinstance(new, list) and shape is not None:
        partners = _partners(name, shape, old, new)
        return [merged(name, shape, *pair) for pair in zip(partners, new, strict=True)]
    return old if _equal(old, new) else new


def _merged_object(shape: Shape, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    result = {
        name: merged(name, shape[name], value, new[name]) if name in new else value
        for name, value in old.items()
        if name in new or name not in shape
    }
    return result | {name: value for name, value in new.items() if name not in old}


def _partners(name: str, shape: Shape, old: list[Any], new: list[Any]) -> list[Any]:
    """Give for each new entry the old one that it takes the place of, None where it is new."""
    found: list[Any] = [None] * len(new)
    taken: set[int] = set()
    for identity in _IDENTITIES.get(name, ()):
        known: dict[bytes, deque[Any]] = defaultdict(deque)
        for entry in old:
            if id(entry) not in taken:
                known[_key(shape, identity, entry)].append(entry)
        for index, entry in enumerate(new):
            candidates = known.get(_key(shape, identity, entry))
            if found[index] is None and candidates:
                found[index] = candidates.popleft()
                taken.add(id(found[index]))
    return found


def _key(shape: Shape, identity: tuple[str, ...], entry: Any) -> bytes:
    if not isinstance(entry, dict):
        return b""
    return _canonical.encode([_visible(shape.get(name), entry.get(name)) for name in identity])


def _visible(shape: Shape | None, value: Any) -> Any:
    """Give what an input could say of a value, in a form that compares as text."""
    if isinstance(value, list):
        return [_visible(shape, item) for item in value]
    if isinstance(value, dict) and shape is not None:
        return {k: _visible(shape[k], v) for k, v in value.items() if k in shape}
    return str(_number(value).normalize()) if _is_number(value) else value


def holds(actual: Any, wanted: Any) -> bool:
    """Tell whether `actual` says all that `wanted` says; it may say more."""
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
    """Give a number as it is written: 0.1 is one tenth."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
