"""Checks of mutation inputs: every mistake at once, each with its path. Used by `mutation`."""

from collections.abc import Iterable, Sequence
from typing import Any

from group_gateway.fhir.outcome import Issue, error
from group_gateway.fhir.reference import LiteralReference, parse_reference
from group_gateway.groups.validation import (
    id_issues,
    member_issues,
    member_type_issues,
    name_issues,
    period_issues,
    responsibility_issues,
    responsibility_type_issues,
)

Element = dict[str, Any]
_NOT_CLEARABLE = ("type", "actual")
_VALUES = (
    "valueCodeableConcept",
    "valueBoolean",
    "valueQuantity",
    "valueRange",
    "valueReference",
)


def creation_issues(draft: Element, responsibilities: Sequence[str]) -> Iterable[Issue]:
    """Check the FHIR elements of a group to create."""
    yield from name_issues(draft.get("name"))
    yield from element_issues(draft)
    if not _has_member_mistakes(draft):
        yield from member_type_issues(draft, "member")
    yield from responsibility_issues(responsibilities)
    if responsibilities:
        yield from responsibility_type_issues(draft)


def update_issues(id: str, values: Element) -> Iterable[Issue]:
    """Check the FHIR elements that an update sets or clears."""
    yield from id_issues(id, "id")
    if "name" in values:
        yield from name_issues(values["name"])
    for name in _NOT_CLEARABLE:
        if name in values and values[name] is None:
            yield error("required", f"`{name}` can't be cleared.", name)
    yield from element_issues(values)


def element_issues(values: Element) -> Iterable[Issue]:
    """Check lists and dates of FHIR elements."""
    yield from _member_list_issues(values.get("member") or [], "member")
    for index, entry in enumerate(values.get("characteristic") or []):
        path = ("characteristic", index)
        yield from period_issues(entry.get("period"), *path, "period")
        if sum(name in entry for name in _VALUES) != 1:
            yield error("value", "A characteristic has exactly one value.", *path)
    for index, entry in enumerate(values.get("identifier") or []):
        yield from period_issues(entry.get("period"), "identifier", index, "period")


def addition_issues(id: str, members: Sequence[Element]) -> Iterable[Issue]:
    """Check members to add."""
    yield from id_issues(id, "groupId")
    yield from _member_list_issues(members, "members")


def removal_issues(id: str, references: Sequence[str]) -> Iterable[Issue]:
    """Check members to remove."""
    yield from id_issues(id, "groupId")
    yield from member_issues(references, "members")


def responsibilities_issues(id: str, codes: Sequence[str]) -> Iterable[Issue]:
    """Check responsibilities to set."""
    yield from id_issues(id, "groupId")
    yield from responsibility_issues(codes)


def literal(references: Sequence[str]) -> tuple[LiteralReference, ...]:
    """Take checked references apart."""
    return tuple(ref for text in references if (ref := parse_reference(text)) is not None)


def _member_list_issues(members: Sequence[Element], name: str) -> Iterable[Issue]:
    yield from member_issues([member["entity"]["reference"] for member in members], name)
    for index, member in enumerate(members):
        yield from period_issues(member.get("period"), name, index, "period")


def _has_member_mistakes(draft: Element) -> bool:
    return any(True for _ in _member_list_issues(draft.get("member") or [], "member"))
