"""The inputs that filter and sort `groups`, and the use case's values for them."""

import enum
from typing import Annotated

import strawberry

from group_gateway.errors import BadUserInput
from group_gateway.groups.reading.filters.filter_table import GroupFilter
from group_gateway.groups.reading.filters.filter_values import (
    CharacteristicFilter,
    DateFilter,
    StringFilter,
    TokenFilter,
)
from group_gateway.groups.reading.filters.sort_keys import Field, GroupOrder
from group_gateway.groups.reading.filters.text_folding import fold
from group_gateway.schema.enums import GroupType
from group_gateway.schema.input_fields import given, optional

_LONGEST = 1000
"""Characters of a text to filter by."""


@strawberry.input(
    name="StringFilter",
    description="Texts that match. AND between the fields; neither a missing nor an empty "
    "one excludes any.",
)
class StringFilterInput:
    """A filter of texts."""

    equals: str | None = optional("Exactly this text.")
    contains: str | None = optional("With this text in it, whatever case and accents.")
    starts_with: str | None = optional("With this text at its start, the same way.")


@strawberry.input(
    name="TokenFilter", description="Coded values that match. AND between the fields."
)
class TokenFilterInput:
    """A filter of coded values."""

    system: str | None = optional(
        "The namespace of the value, a URI; empty for values that have none."
    )
    value: str | None = optional(
        "The code, or the identifier's value. Without a system a concept's text counts too. An "
        "empty text has no effect."
    )


@strawberry.input(
    name="CharacteristicFilter", description="Traits that match. AND between the fields."
)
class CharacteristicFilterInput:
    """A filter of characteristics."""

    code: TokenFilterInput | None = optional("The kind of trait.")
    value: TokenFilterInput | None = optional(
        "The trait: a concept, or `true` or `false` for a boolean."
    )
    exclude: bool | None = optional("Whether the members don't have it.")


@strawberry.input(
    name="DateFilter",
    description="Moments that match, by FHIR's prefixes. Values are FHIR dates: `2026`, `2026-11`, "
    "`2026-11-28`, `2026-11-28T10:00:00Z`.",
)
class DateFilterInput:
    """A filter of moments."""

    gt: str | None = optional("After it.")
    ge: str | None = optional("From its start on.")
    lt: str | None = optional("Before it.")
    le: str | None = optional("Until its end.")


@strawberry.input(
    name="GroupFilter",
    description="Which groups to return: AND between the fields, OR inside a list.",
)
class GroupFilterInput:
    """The filter of `groups`."""

    id: list[strawberry.ID] | None = optional("Any of these logical ids, returned in this order.")
    type: GroupType | None = optional("Groups with members of this kind.")
    patient: strawberry.ID | None = optional("Groups with this patient as a member.")
    practitioner: strawberry.ID | None = optional("Groups with this practitioner as a member.")
    member: str | None = optional("Groups with this member: `Device/<id>`.")
    name: StringFilterInput | None = optional("Groups whose name matches.")
    active: bool | None = optional("Groups whose `active` has this value.")
    actual: bool | None = optional("Groups whose `actual` has this value.")
    identifier: TokenFilterInput | None = optional(
        "Groups with a business identifier that matches."
    )
    code: TokenFilterInput | None = optional("Groups whose kind of members matches.")
    managing_entity: str | None = optional("Groups managed by this, by reference.")
    responsibility: str | None = optional("Teams with this responsibility.")
    characteristic: CharacteristicFilterInput | None = optional("Groups with a trait that matches.")
    last_updated: DateFilterInput | None = optional("Groups last changed at a moment that matches.")


@strawberry.enum(description="What groups can be sorted by.")
class GroupOrderField(enum.Enum):
    """The sort keys, as the use case names them."""

    NAME = strawberry.enum_value("name", description="The name, whatever case and accents.")
    QUANTITY = strawberry.enum_value(
        "quantity", description="How many members the upstream counts."
    )
    TYPE = strawberry.enum_value("type", description="What it is made of, by FHIR's codes.")
    LAST_UPDATED = strawberry.enum_value("last_updated", description="When it was last changed.")


@strawberry.enum(description="A direction of sorting.")
class OrderDirection(enum.Enum):
    """Ascending or descending."""

    ASC = strawberry.enum_value("asc", description="The least one first.")
    DESC = strawberry.enum_value("desc", description="The greatest one first.")


@strawberry.input(
    name="GroupOrder",
    description="A sort key. Groups without a value come last; equal ones are sorted by their id.",
)
class GroupOrderInput:
    """One sort key."""

    field: GroupOrderField = strawberry.field(description="What to sort by.")
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.ASC, description="Ascending or descending."
    )


_FIELDS: dict[GroupOrderField, Field] = {
    GroupOrderField.NAME: "name",
    GroupOrderField.QUANTITY: "quantity",
    GroupOrderField.TYPE: "type",
    GroupOrderField.LAST_UPDATED: "last_updated",
}

Filter = Annotated[
    GroupFilterInput | None, strawberry.argument(description="Which groups; default all.")
]
OrderBy = Annotated[
    list[GroupOrderInput] | None,
    strawberry.argument(description="Sort keys; the upstream's order if none."),
]


def wanted_by(chosen: GroupFilterInput | None, base_url: str) -> GroupFilter:
    """Return the filter of an input. Raises BadUserInput."""
    chosen = chosen or GroupFilterInput()
    return GroupFilter(
        type=str(chosen.type.value) if chosen.type else None,
        patient=given(chosen.patient),
        practitioner=given(chosen.practitioner),
        member=_reference(chosen.member),
        name=_string(given(chosen.name)),
        active=given(chosen.active),
        actual=given(chosen.actual),
        identifier=_token(given(chosen.identifier)),
        code=_token(given(chosen.code)),
        managing_entity=_reference(chosen.managing_entity),
        responsibility=_text(chosen.responsibility) or None,
        characteristic=_trait(given(chosen.characteristic)),
        last_updated=_dates(given(chosen.last_updated)),
        base_url=base_url,
    )


def orders_by(chosen: list[GroupOrderInput] | None) -> tuple[GroupOrder, ...]:
    """Return the sort keys of an input. Raises BadUserInput."""
    orders = [
        GroupOrder(_FIELDS[order.field], order.direction is OrderDirection.DESC)
        for order in given(chosen) or ()
    ]
    if len({order.field for order in orders}) < len(orders):
        raise BadUserInput("`orderBy` names a field twice.")
    return tuple(orders)


def _text(value: str | None) -> str | None:
    text = given(value)
    if text is not None and len(text) > _LONGEST:
        raise BadUserInput(f"A text to filter by has at most {_LONGEST} characters.")
    return text


def _reference(value: str | None) -> str | None:
    reference = _text(value)
    if reference == "":
        raise BadUserInput("A reference to filter by is empty. Omit it to show all groups.")
    return reference


def _string(chosen: StringFilterInput | None) -> StringFilter | None:
    if chosen is None:
        return None
    texts = (_text(chosen.equals) or None, _part(chosen.contains), _part(chosen.starts_with))
    return StringFilter(*texts) if any(texts) else None


def _part(value: str | None) -> str | None:
    """Return a part of a text; None if it is empty without its accents."""
    text = _text(value)
    return text if text and fold(text) else None


def _token(chosen: TokenFilterInput | None) -> TokenFilter | None:
    if chosen is None:
        return None
    system, value = _text(chosen.system), _text(chosen.value) or None
    return None if system is None and value is None else TokenFilter(system, value)


def _trait(chosen: CharacteristicFilterInput | None) -> CharacteristicFilter | None:
    if chosen is None:
        return None
    code, value = _token(given(chosen.code)), _token(given(chosen.value))
    exclude = given(chosen.exclude)
    is_empty = code is None and value is None and exclude is None
    return None if is_empty else CharacteristicFilter(code, value, exclude)


def _dates(chosen: DateFilterInput | None) -> DateFilter | None:
    if chosen is None:
        return None
    bounds = (_text(chosen.gt), _text(chosen.ge), _text(chosen.lt), _text(chosen.le))
    return DateFilter(*bounds) if any(bound is not None for bound in bounds) else None
