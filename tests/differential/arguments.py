"""Random values for arguments and variables: valid mostly, at the limits often, wrong rarely."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
)


class EnumName(str):
    """The name of an enum's value: bare in a document, a string in JSON."""

    __slots__ = ()


class VariableName(str):
    """A variable in a document."""

    __slots__ = ()


@dataclass(frozen=True)
class Pools:
    """What the world holds: ids of groups and people. `cursors` grows with the answers."""

    groups: tuple[str, ...]
    people: tuple[str, ...]
    cursors: list[str] = field(default_factory=list)


_LATEST = 4
"""Cursors of the answer before: the same operation is likely to take them."""
_STRINGS = ("", "x", "ünï \U0001f600", 'quo"te', "\u2028", "null")
_INTS = {
    "first": (0, 1, 2, 2, 3, 5, 100, 1000),
    "last": (1, 2, 3, 5),
    "offset": (0, 0, 1, 2, 50),
    "count": (0, 1, 2, 100, 2**31 - 1),
}
_WRONG_INTS = (-1, 1001, 10_001, -(2**31))
_WRONG_IDS = ("none", "", "..", "bad id", "x" * 65, "g1/../g2", "ü")
_MISFITS: tuple[Any, ...] = ({"x": 1}, [[1]], "text", 1.5, True, 2**31, -(2**40), 10**400, [None])


class Values:
    """Makes values of input types. `role` is the argument's or input field's name."""

    def __init__(self, rng: Random, pools: Pools) -> None:
        self._rng = rng
        self._pools = pools

    def value(self, type: GraphQLInputType, role: str) -> Any:
        """Make a value; null now and then where that is allowed."""
        if isinstance(type, GraphQLNonNull):
            return self._given(type.of_type, role)
        return None if self._chance(0.05) else self._given(type, role)

    def for_variable(self, type: GraphQLInputType, role: str) -> Any:
        """Make a value as a client sends it: now and then in a form to coerce, or a wrong one."""
        if self._chance(0.02):
            return self._rng.choice(_MISFITS)
        value = self.value(type, role)
        if self._chance(0.03):
            return _in_other_form(value)
        return value

    def _given(self, type: GraphQLInputType, role: str) -> Any:
        if isinstance(type, GraphQLNonNull):
            return self._given(type.of_type, role)
        if isinstance(type, GraphQLList):
            items = [self.value(type.of_type, role) for _ in range(self._rng.randint(0, 4))]
            return items[0] if items and self._chance(0.1) else items
        if isinstance(type, GraphQLEnumType):
            return EnumName(self._rng.choice(list(type.values)))
        if isinstance(type, GraphQLInputObjectType):
            return {
                name: self.value(inner.type, name)
                for name, inner in type.fields.items()
                if self._chance(0.35) or isinstance(inner.type, GraphQLNonNull)
            }
        return self._scalar(type.name, role)

    def _scalar(self, name: str, role: str) -> Any:
        match name:
            case "Int":
                wrong = _WRONG_INTS if self._chance(0.03) else None
                return self._rng.choice(wrong or _INTS.get(role, (0, 1, 2**31 - 1)))
            case "Boolean":
                return self._chance(0.5)
            case "ID":
                return self._id(role)
            case "_Any":
                return self._representation()
            case "Float":
                return self._rng.choice((0, 1.5, -2, 1e10))
            case _:
                return self._string(role)

    def _id(self, role: str) -> str:
        if self._chance(0.02):
            return self._rng.choice(_WRONG_IDS)
        people = role in {"patient", "practitioner"}
        return self._rng.choice(self._pools.people if people else self._pools.groups)

    def _string(self, role: str) -> str:
        if role in {"after", "before"} and self._pools.cursors and self._chance(0.9):
            latest = self._pools.cursors[-_LATEST:]
            return self._rng.choice(latest if self._chance(0.7) else self._pools.cursors)
        if role == "name":
            return self._rng.choice(("Group", "Member", "GroupFilter", "Nothing"))
        return self._rng.choice(_STRINGS)

    def _representation(self) -> Any:
        known = ("Group", "Group", "Patient", "Practitioner")
        type = "Device" if self._chance(0.03) else self._rng.choice(known)
        role = "id" if type == "Group" else "patient"
        entity: dict[str, Any] = {"__typename": type, "id": self._id(role)}
        if self._chance(0.02):
            entity.pop(self._rng.choice(("__typename", "id")))
        return entity

    def _chance(self, probability: float) -> bool:
        return self._rng.random() < probability


def _in_other_form(value: Any) -> Any:
    """Return a value in another form that GraphQL coerces to the same, or refuses."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return float(value)
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return [value]


def literal(value: Any) -> str:
    """Write a value as GraphQL."""
    match value:
        case EnumName():
            return str(value)
        case VariableName():
            return f"${value}"
        case Mapping():
            return f"{{{', '.join(f'{name}: {literal(v)}' for name, v in value.items())}}}"
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case _:
            return json.dumps(value)
