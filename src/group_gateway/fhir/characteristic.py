"""The team responsibilities carried in `Group.characteristic` (upstream fact). Pure."""

from typing import Any

from group_gateway.fhir.group_rules import RESPONSIBILITY


def concept_text(value: object) -> str | None:
    """Return the text of a CodeableConcept; a bare string where FHIR wants one is its text."""
    if isinstance(value, dict):
        value = value.get("text")
    return value if isinstance(value, str) else None


def responsibility_of(characteristic: object) -> str | None:
    """Return the responsibility that a decoded characteristic states; None for any other."""
    if not isinstance(characteristic, dict):
        return None
    if concept_text(characteristic.get("code")) != RESPONSIBILITY:
        return None
    return concept_text(characteristic.get("valueCodeableConcept"))


def is_broken_responsibility(characteristic: dict[str, Any]) -> bool:
    """Return whether a characteristic is a responsibility without saying which."""
    is_responsibility = concept_text(characteristic.get("code")) == RESPONSIBILITY
    return is_responsibility and responsibility_of(characteristic) is None


def responsibilities_of(elements: dict[str, Any]) -> list[str]:
    """Return all responsibilities of a decoded Group that it has and does not exclude."""
    characteristics = elements.get("characteristic")
    if not isinstance(characteristics, list):
        return []
    found = (
        responsibility_of(entry)
        for entry in characteristics
        if not (isinstance(entry, dict) and entry.get("exclude") is True)
    )
    return [code for code in found if code is not None]


def responsibility(code: str) -> dict[str, Any]:
    """Make the characteristic of a responsibility."""
    return {
        "code": {"text": RESPONSIBILITY},
        "valueCodeableConcept": {"text": code},
        "exclude": False,
    }
