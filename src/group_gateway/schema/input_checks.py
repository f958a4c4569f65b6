"""Checks of mutation inputs: every error at once, each with its path."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from group_gateway.fhir.decimals import is_too_large
from group_gateway.fhir.group_elements import DATA_TYPES, GROUP
from group_gateway.fhir.operation_outcome import Issue, error
from group_gateway.groups.writing.input_validation import (
    can_be_added,
    can_be_listed,
    id_issues,
    member_issues,
    member_type_issues,
    name_issues,
    period_issues,
    reference_issues,
    responsibility_issues,
    responsibility_type_issues,
)

Element = dict[str, Any]
_CHECKED_APART = ("name", "member")
"""Elements with stricter checks of their own."""
_VALUES = [e.name for e in DATA_TYPES["GroupCharacteristic"].values() if e.choice]


def creation_issues(draft: Element, responsibilities: Sequence[str]) -> Iterable[Issue]:
    """Check the FHIR elements of a group to create."""
    yield from name_issues(draft.get("name"))
    yield from _element_issues(draft)
    members = list(_member_list_issues(draft.get("member") or [], "member", can_be_added))
    yield from members or member_type_issues(draft, "member")
    yield from responsibility_issues(responsibilities)
    if responsibilities:
        yield from responsibility_type_issues(draft)


def update_issues(id: str, values: Element) -> Iterable[Issue]:
    """Check the FHIR elements that an update sets or clears."""
    yield from id_issues(id, "id")
    if "name" in values:
        yield from name_issues(values["name"])
    for name, value in values.items():
        if value is None and GROUP[name].required:
            yield error("required", f"`{name}` can't be cleared.", name)
    yield from _element_issues(values)
    yield from _member_list_issues(values.get("member") or [], "member", can_be_listed)


def addition_issues(id: str, members: Sequence[Element]) -> Iterable[Issue]:
    """Check members to add."""
    yield from id_issues(id, "groupId")
    yield from _member_list_issues(members, "members", can_be_listed)


def removal_issues(id: str, members: Sequence[Element]) -> Iterable[Issue]:
    """Check members to remove."""
    yield from id_issues(id, "groupId")
    yield from member_issues(members, "members", can_be_listed)


def responsibilities_issues(id: str, codes: Sequence[str]) -> Iterable[Issue]:
    """Check responsibilities to set."""
    yield from id_issues(id, "groupId")
    yield from responsibility_issues(codes)


def _element_issues(values: Element) -> Iterable[Issue]:
    for name, value in values.items():
        if name not in _CHECKED_APART:
            yield from _inexpressible_issues(value, name)
        if GROUP[name].type == "Reference":
            yield from reference_issues(value, GROUP[name].targets, name)
    for index, entry in enumerate(values.get("characteristic") or []):
        yield from _trait_issues(entry, "characteristic", index)
    for index, entry in enumerate(values.get("identifier") or []):
        yield from period_issues(entry.get("period"), "identifier", index, "period")


def _trait_issues(entry: Element, *path: str | int) -> Iterable[Issue]:
    yield from period_issues(entry.get("period"), *path, "period")
    yield from reference_issues(entry.get("valueReference"), (), *path, "valueReference")
    if sum(name in entry for name in _VALUES) != 1:
        yield error("value", "A characteristic has exactly one value.", *path)


def _inexpressible_issues(value: Any, *path: str | int) -> Iterable[Issue]:
    """Find what FHIR's JSON can't hold: empty objects and texts, numbers beyond a double."""
    if value in ({}, ""):
        yield error("required", "An element can't be empty: omit it.", *path)
    elif isinstance(value, Decimal) and is_too_large(value):
        yield error("value", "The number is too large.", *path)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _inexpressible_issues(part, *path, name)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _inexpressible_issues(part, *path, index)


def _member_list_issues(
    members: Sequence[Element], name: str, accepts: Callable[[str], bool]
) -> Iterable[Issue]:
    yield from member_issues(members, name, accepts)
    for index, member in enumerate(members):
        if "period" in member:
            yield from _inexpressible_issues(member["period"], name, index, "period")
            yield from period_issues(member["period"], name, index, "period")
