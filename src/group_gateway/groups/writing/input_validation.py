"""Checks before anything is sent: stricter than the upstream, with a path to each error. Pure.

`schema` calls the checks of inputs, `changes` those that need the stored group's type.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any

from group_gateway.errors import Refused
from group_gateway.fhir.group_rules import MEMBER_TYPES_BY_GROUP_TYPE, RESPONSIBILITIES
from group_gateway.fhir.literal_reference import (
    entity_reference,
    entity_text,
    is_logical_id,
    parse_reference,
)
from group_gateway.fhir.operation_outcome import Issue, error
from group_gateway.groups.writing.member_index import entries_of, member_key, members_of
from group_gateway.logical_ids import INVALID_ID

LONGEST_NAME = 1_000
MOST_MEMBERS = 10_000
MOST_ISSUES = 100
# FHIR R4 `dateTime`: year, month or day precision, or a moment with seconds and a zone.
_DATE_TIME = re.compile(
    r"(?!0000)\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])"
    r"(T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00)))?)?)?"
)
_DAY = len("2026-11-22")
_URN = re.compile(r"urn:(uuid:[0-9a-fA-F-]{36}|oid:[0-2](\.\d+)+)")
_OTHER = re.compile(r".*[#:?/|_\s].*", re.DOTALL)
_DESCRIPTIONS = ("definitional", "conceptual")
"""FHIR R5's and R6's codes of Group.membership of a group that lists no members."""
_NO_REFERENCE = "A reference looks like `Patient/<id>`."


def refuse(issues: Iterable[Issue]) -> None:
    """Raise Refused when there are issues, with the first ones of very many."""
    found = tuple(islice(issues, MOST_ISSUES))
    if found:
        raise Refused("The input is not valid.", issues=found)


def id_issues(id: str, *path: str | int) -> list[Issue]:
    """Check a logical id."""
    if is_logical_id(id):
        return []
    return [error("value", INVALID_ID, *path)]


def name_issues(name: str | None) -> list[Issue]:
    """Check a group's name: required, not blank, of bounded length."""
    if name is None or not name.strip():
        return [error("required", "A group needs a name.", "name")]
    if len(name) > LONGEST_NAME:
        return [error("too-long", f"A name has at most {LONGEST_NAME} characters.", "name")]
    return []


def member_issues(
    members: Sequence[dict[str, Any]], list_name: str, accepts: Callable[[str], bool]
) -> list[Issue]:
    """Check a list of members: size, syntax, and that none stands in it twice."""
    if len(members) > MOST_MEMBERS:
        text = f"One input takes at most {MOST_MEMBERS} members."
        return [error("too-long", text, list_name)]
    issues, seen = [], set()
    for index, member in enumerate(members):
        path = (list_name, index, "reference")
        reference, key = entity_text(member), member_key(member)
        if reference is None or key is None or not accepts(reference):
            issues.append(error("value", _NO_REFERENCE, *path))
        elif key in seen:
            issues.append(error("duplicate", "The member is listed twice.", *path))
        else:
            seen.add(key)
    return issues


def can_be_added(reference: str) -> bool:
    """Return whether a new member may have this reference: a literal one, or a URN."""
    return parse_reference(reference) is not None or _URN.fullmatch(reference) is not None


def can_be_listed(reference: str) -> bool:
    """Return whether a member may be named by this reference.

    Servers also have other ones than those that can be added: `#contained`,
    `Patient?identifier=…`, ids that FHIR does not allow, and members without a reference.
    """
    return bool(reference.strip())


def unknown_member_issues(
    keys: Sequence[str], is_member: Callable[[str], bool], list_name: str
) -> list[Issue]:
    """Check the references of members to remove: a mere word is one only if it is a member's."""
    return [
        error("value", _NO_REFERENCE, list_name, index, "reference")
        for index, key in enumerate(keys)
        if not (can_be_added(key) or _OTHER.fullmatch(key) or is_member(key))
    ]


def new_member_issues(
    members: Sequence[dict[str, Any]],
    is_member: Callable[[dict[str, Any]], bool],
    elements: dict[str, Any],
    list_name: str,
) -> list[Issue]:
    """Check the references of members in a list: those that are new must be addable."""
    contained = {
        f"#{resource.get('id')}"
        for resource in entries_of(elements, "contained")
        if isinstance(resource, dict)
    }
    return [
        error("value", _NO_REFERENCE, list_name, index, "reference")
        for index, member in enumerate(members)
        if (text := entity_text(member)) is not None
        and not can_be_added(text)
        and text not in contained
        and not is_member(member)
    ]


def reference_issues(
    reference: dict[str, Any] | None, types: Sequence[str], *path: str | int
) -> list[Issue]:
    """Check a Reference: its syntax, and that its target has one of `types` (empty: any)."""
    text = (reference or {}).get("reference")
    if not text or text.startswith(("#", "urn:")):
        return []
    literal = parse_reference(text)
    if literal is None:
        return [error("value", "A reference looks like `Organization/<id>`.", *path, "reference")]
    if types and literal.type not in types:
        allowed = f"It is a reference to a {' or a '.join(types)}."
        return [error("value", allowed, *path, "reference")]
    return []


def period_issues(period: dict[str, Any] | None, *path: str | int) -> list[Issue]:
    """Check a Period: FHIR dateTimes, and the start not after the end."""
    if period is None:
        return []
    issues = [
        error("value", "Not a FHIR dateTime, such as 2026-11-22 or 2026-11-22T10:00:00Z.", *path, k)
        for k in ("start", "end")
        if period.get(k) is not None and not _is_date_time(period[k])
    ]
    start, end = period.get("start"), period.get("end")
    days = slice(min(len(start or ""), len(end or ""), _DAY))
    # Prefixes of equal precision compare as dates do; zones within a day are left to the upstream.
    if not issues and start and end and start[days] > end[days]:
        issues.append(error("value", "The period ends before it starts.", *path))
    return issues


def _is_date_time(text: str) -> bool:
    if not _DATE_TIME.fullmatch(text):
        return False
    try:
        return len(text) < _DAY or bool(date.fromisoformat(text[:_DAY]))
    except ValueError:  # such as the 30th of February
        return False


def responsibility_issues(codes: Sequence[str]) -> Iterator[Issue]:
    """Check a list of responsibilities: known to the upstream, and each only once."""
    seen: set[str] = set()
    for index, code in enumerate(codes):
        path = ("responsibilities", index)
        if code not in RESPONSIBILITIES:
            yield error("code-invalid", "Not a responsibility that the upstream knows.", *path)
        elif code in seen:
            yield error("duplicate", "The responsibility is listed twice.", *path)
        seen.add(code)


def responsibility_type_issues(elements: dict[str, Any]) -> list[Issue]:
    """Check that the group is a team."""
    if elements.get("type") == "practitioner":
        return []
    text = "Only a group of type PRACTITIONER has responsibilities."
    return [error("business-rule", text, "responsibilities")]


def may_have_members(elements: dict[str, Any]) -> bool:
    """Return whether the group may have members: R4's `actual`, R5's `membership`."""
    return elements.get("actual") is not False and elements.get("membership") not in _DESCRIPTIONS


def member_type_issues(elements: dict[str, Any], list_name: str) -> list[Issue]:
    """Check a Group's members against its type (FHIR R4, Group.type) and invariant grp-1."""
    members = members_of(elements)
    if members and not may_have_members(elements):
        return [error("invariant", "Only an actual group has members.", list_name)]
    allowed = MEMBER_TYPES_BY_GROUP_TYPE.get(str(elements.get("type")))
    if allowed is None:
        return []
    text = f"A member of such a group is a {' or a '.join(allowed)}."
    return [
        error("business-rule", text, list_name, index, "reference")
        for index, member in enumerate(members)
        if (reference := entity_reference(member)) is not None
        and reference.type not in {*allowed, "Group"}
    ]
