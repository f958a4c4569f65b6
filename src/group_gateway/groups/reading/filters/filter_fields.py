"""How a field of a filter is checked here, and which search parameters express it. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.literal_reference import entity_text, parse_reference, reference_key
from group_gateway.groups.reading.filters.filter_values import (
    CharacteristicFilter,
    DateFilter,
    StringFilter,
    TokenFilter,
)
from group_gateway.groups.reading.filters.group_outline import Outline, outline_of

Check = Callable[[GroupResource], bool]


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A parameter that expresses a field of the filter.

    `values` are what to send for the field's value; none if the parameter can't express it. One
    that `is_tried` is sent although the upstream declares no parameters. One that `needs_control`
    is sent once a control search has worked. `part` is what the values express of the field's
    value.
    """

    name: str
    values: Callable[[Any], Sequence[str]]
    is_tried: bool = False
    needs_control: bool = False
    part: Callable[[Any], Any] = lambda value: value


@dataclass(frozen=True, slots=True)
class FilterField:
    """A field of the filter.

    `check` makes the check of a group from the field's value and the upstream's base URL.
    `parameters` are tried in this order. `element` is the one that the check needs.
    """

    element: str
    check: Callable[[Any, str], Check]
    parameters: tuple[SearchParameter, ...] = ()


def name_parameter(
    name: str, part: Callable[[StringFilter], StringFilter | None]
) -> SearchParameter:
    """Make a search parameter for names that expresses a part of a filter, or none."""

    def values(wanted: StringFilter) -> list[str]:
        said = part(wanted)
        return [] if said is None else [said.text]

    return SearchParameter(name, values, needs_control=True, part=part)


class _Membered(msgspec.Struct):
    member: Any = None


_membered = msgspec.json.Decoder(_Membered)


def outlined(fits: Callable[[Any, Outline], bool]) -> Callable[[Any, str], Check]:
    """Make a check of elements other than members."""
    return lambda value, _base_url: lambda group: fits(value, outline_of(group))


def membership(kind: str) -> Callable[[str, str], Check]:
    """Make a check that a member of a type has a logical id."""
    return lambda id, base_url: lambda group: _has_member(group, id, f"{kind}/{id}", base_url)


def any_member(text: str, base_url: str) -> Check:
    """Make a check that a member has a reference."""
    return lambda group: _has_member(group, text.rpartition("/")[2], text, base_url)


def managed(text: str, base_url: str) -> Check:
    """Make a check that the managing entity has a reference."""

    def check(group: GroupResource) -> bool:
        own = entity_text({"entity": outline_of(group).managingEntity})
        return own is not None and _same(own, text, base_url)

    return check


def _has_member(group: GroupResource, mark: str, wanted: str, base_url: str) -> bool:
    # Most groups don't name the member anywhere: finding that out costs next to nothing, where
    # decoding 10,000 members takes milliseconds. JSON may write any letter as an escape, though.
    if mark.encode() not in group.raw and b"\\u" not in group.raw:
        return False
    try:
        members = _membered.decode(group.raw).member
    except msgspec.ValidationError:  # a number that nothing can hold
        members = group.elements.get("member")
    texts = map(entity_text, members) if isinstance(members, list) else ()
    return any(
        text is not None and mark in text and _same(text, wanted, base_url) for text in texts
    )


def _same(text: str, wanted: str, base_url: str) -> bool:
    """Return whether two references have the same target."""
    return text == wanted or reference_key(text, base_url) == reference_key(wanted, base_url)


def sent_reference(text: str) -> list[str]:
    """Return a reference into the upstream; nothing for any other text."""
    reference = parse_reference(text)
    return [str(reference)] if reference is not None and reference.base is None else []


def sent_flag(value: object) -> list[str]:
    """Return a boolean as a token."""
    return ["true" if value else "false"]


def sent_token(token: TokenFilter) -> list[str]:
    """Return a coded value, where a token parameter means the same."""
    return [token.token] if token.token is not None else []


def sent_concept(token: TokenFilter) -> list[str]:
    """Return a concept's code. Without a system its text matches too, but only in the gateway."""
    return sent_token(token) if token.system else []


def sent_trait(trait: CharacteristicFilter) -> list[str]:
    """Return the code of a trait that is filtered by its code alone."""
    is_code_alone = trait.code is not None and trait.value is None and trait.exclude is None
    return sent_concept(trait.code) if is_code_alone and trait.code else []


def sent_dates(dates: DateFilter) -> list[str]:
    """Return the bounds with FHIR's prefixes, as instants in UTC."""
    return dates.instants
