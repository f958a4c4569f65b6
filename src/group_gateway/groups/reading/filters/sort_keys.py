"""What groups can be sorted by, and the value that a group has for it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from group_gateway.fhir.group_resource import UNREADABLE, GroupResource, NotAGroup
from group_gateway.groups.reading.filters.date_parameter import moment_of
from group_gateway.groups.reading.filters.group_outline import Outline, outline_of

Field = Literal["name", "quantity", "type", "last_updated"]
ELEMENTS: Final[Mapping[Field, str]] = {
    "name": "name",
    "quantity": "quantity",
    "type": "type",
    "last_updated": "meta",
}
"""The elements that the fields stand for."""


@dataclass(frozen=True, slots=True)
class GroupOrder:
    """One sort key. Groups without a value come last in both directions."""

    field: Field
    descending: bool = False


def key_of(group: GroupResource, field: Field) -> Any:
    """Return the value that a group is sorted by; None for a missing one. Raises NotAGroup."""
    try:
        outline = outline_of(group)
    except UNREADABLE as error:
        raise NotAGroup("a value can't be decoded") from error
    return _VALUES[field](outline)


def _name(outline: Outline) -> str | None:
    return outline.folded_name if isinstance(outline.name, str) else None


def _quantity(outline: Outline) -> int | None:
    return outline.quantity if type(outline.quantity) is int else None


def _type(outline: Outline) -> str | None:
    return outline.type if isinstance(outline.type, str) else None


def _last_updated(outline: Outline) -> float | None:
    text = outline.last_updated
    moment = moment_of(text) if isinstance(text, str) else None
    return None if moment is None else moment.timestamp()


_VALUES = {
    "name": _name,
    "quantity": _quantity,
    "type": _type,
    "last_updated": _last_updated,
}
