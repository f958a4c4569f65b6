"""The upstream's own rules for a group that is well-formed FHIR.

Wrong values are a 400, broken rules a 422 `business-rule`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from group_gateway.sandbox.checks.validation import issue_at
from group_gateway.sandbox.outcome import Issue
from group_gateway.sandbox.wellknown import RESPONSIBILITIES

_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "person": frozenset({"Patient", "Group"}),
    "animal": frozenset({"Patient", "Group"}),
    "practitioner": frozenset({"Practitioner", "PractitionerRole", "Group"}),
    "device": frozenset({"Device", "Group"}),
    "medication": frozenset({"Medication", "Group"}),
    "substance": frozenset({"Substance", "Group"}),
}
MEMBER_KINDS: Final = (
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Device",
    "Medication",
    "Substance",
    "Group",
)
_REFERENCE: Final = re.compile(r"(?:https?://\S+/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}")


def wrong_values(body: Mapping[str, Any]) -> Iterator[Issue]:
    """Find what is a 400 although the framework accepts it."""
    if body["resourceType"] != "Group":
        text = f"expects resource type ``Group``, but got ``{body['resourceType']}``"
        yield issue_at(("body", "resourceType"), "invalid", text)
    if body["type"] not in _KINDS:
        text = f"Input should be one of {', '.join(_KINDS)} (type=enum)"
        yield issue_at(("body", "type"), "value", text)
    if not body["actual"]:
        text = "Input should be true: only actual groups are kept"
        yield issue_at(("body", "actual"), "value", text)
    for index, member in enumerate(body.get("member") or ()):
        problem = _wrong_reference(member["entity"])
        if problem:
            yield issue_at(("body", "member", index, "entity", "reference"), *problem)


def broken_rules(body: Mapping[str, Any]) -> Iterator[Issue]:
    """Find what is a 422: members of the wrong kind, responsibilities that cannot be."""
    allowed = _KINDS[body["type"]]
    for member in body.get("member") or ():
        entity = member["entity"].get("reference")
        if entity and kind_of(entity) not in allowed:
            text = f"{kind_of(entity)} cannot be a member of a group of type '{body['type']}'"
            yield Issue("business-rule", text)
    codes = responsibilities(body)
    if codes and body["type"] != "practitioner":
        yield Issue("business-rule", "Only groups of type 'practitioner' have responsibilities")
    for code in codes:
        if code not in RESPONSIBILITIES:
            yield Issue("business-rule", f"Unknown responsibility '{code}'")


def responsibilities(body: Mapping[str, Any]) -> list[str]:
    """Return the responsibilities that a group's characteristics state, each once."""
    found = [
        (item.get("valueCodeableConcept") or {}).get("text") or ""
        for item in body.get("characteristic") or ()
        if item["code"].get("text") == "responsibility" and not item["exclude"]
    ]
    return list(dict.fromkeys(found))


def kind_of(reference: str) -> str | None:
    """Return the resource type that a reference names; None when it is no reference."""
    match = _REFERENCE.fullmatch(reference)
    return match[1] if match else None


def _wrong_reference(entity: Mapping[str, Any]) -> tuple[str, str] | None:
    reference = entity.get("reference")
    if reference is None:
        # FHIR lets a reference name its target by a business identifier alone.
        return None if entity.get("identifier") else ("required", "Field required (type=missing)")
    kind = kind_of(reference)
    if kind is None:
        return "value", f"'{reference}' is not a reference of the form Type/id"
    if kind not in MEMBER_KINDS:
        return "value", f"'{kind}' cannot be a member of a Group"
    return None
