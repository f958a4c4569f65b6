"""People and things that groups refer to, the same on every run; some are not as FHIR has them."""

import json
from typing import Any
from zlib import crc32

TYPES = (
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Device",
    "Medication",
    "Substance",
    "Organization",
    "RelatedPerson",
)
_NAME = {"use": "usual", "family": "Ünï", "given": ["Ada", "B."], "period": {"start": "2020"}}
_CONCEPT = {"coding": [{"system": "s", "code": "c", "userSelected": True}], "text": "A kind"}
_ELEMENTS: dict[str, Any] = {
    "identifier": [{"system": "urn:x", "value": "1"}],
    "active": True,
    "telecom": [{"system": "phone", "value": "555", "rank": 1}],
    "gender": "female",
    "birthDate": "1970-01-01",
    "photo": [{"contentType": "image/png", "size": 5}],
    "status": "active",
    "deviceName": [{"name": "Cuff", "type": "other"}],
    "practitioner": {"reference": "Practitioner/d1", "display": "D"},
    "form": _CONCEPT,
    "category": [_CONCEPT],
}
_BROKEN: tuple[dict[str, Any], ...] = (
    {"name": "one text", "active": "yes"},
    {"name": None, "birthDate": 7, "identifier": [5]},
    {"name": [{"given": "Ada", "family": 5}], "type": 7, "code": [7]},
    {"telecom": {"system": "phone"}, "gender": None, "photo": [None]},
)


def resource(type: str, id: str, *, sound: bool) -> bytes | None:
    """Return a resource; None for one that does not exist."""
    number = crc32(f"{type}/{id}".encode())
    if number % 5 == 0:
        return None
    names: dict[str, Any] = {"name": "A name" if type == "Organization" else [_NAME]}
    listed = {"PractitionerRole": ("code", [_CONCEPT]), "Organization": ("type", [_CONCEPT])}
    kind, concept = listed.get(type, ("type" if type == "Device" else "code", _CONCEPT))
    made = {"resourceType": type, "id": id, **_ELEMENTS, **names, kind: concept}
    if number % 3 == 0:
        made = {"resourceType": type, "id": id}
    if not sound:
        made |= _BROKEN[number % len(_BROKEN)]
    return json.dumps(made).encode()
