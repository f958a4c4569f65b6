"""The people and things that groups refer to, computed from their ids on demand.

Ids of the generated set encode a number (`seeded_people.py`), from which everything else follows.
The patients of the seed document and the organization that manages a group are known by name.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from group_gateway.sandbox.data.document import seed_groups
from group_gateway.sandbox.data.seeded_people import full_name, number_of, reference

Resource = dict[str, Any]

ORGANIZATION_ID: Final = "7d0f5d3e2c6b4a1f9e8d7c6b5a493827"
"""The organization that manages the group with every element."""
_BORN: Final = 1935
_PRACTITIONERS: Final = 60
_UNITS: Final = ("a", "b", "c", "d")


def find(kind: str, identity: str) -> Resource | None:
    """Return the resource of a type and id; None for one that does not exist."""
    make = _MAKERS.get(kind)
    number = _number(kind, identity)
    if make is None or number is None:
        return None
    return {"resourceType": kind, "id": identity, **make(number)}


def kinds() -> tuple[str, ...]:
    """Return the resource types that the directory holds."""
    return tuple(_MAKERS)


def _number(kind: str, identity: str) -> int | None:
    if kind == "Patient" and identity in _SEED_PATIENTS:
        return _SEED_PATIENTS[identity]
    if kind == "Organization" and identity == ORGANIZATION_ID:
        return 0
    return number_of(f"{kind}/{identity}")


def _seed_patients() -> dict[str, int]:
    members = [m["entity"]["reference"] for group in seed_groups() for m in group["member"]]
    known = dict.fromkeys(text.partition("/")[2] for text in members)
    return {identity: 5_000 + index for index, identity in enumerate(known)}


_SEED_PATIENTS: Final[Mapping[str, int]] = _seed_patients()


def _name(number: int) -> Resource:
    given, family = full_name(number)
    return {"use": "official", "family": family, "given": [given]}


def _patient(number: int) -> Resource:
    return {
        "identifier": [{"system": "https://example.org/mrn", "value": f"MRN-{number:04d}"}],
        "active": True,
        "name": [
            _name(number),
            *([{"use": "nickname", "text": "Sunny"}] if not number % 3 else []),
        ],
        "telecom": [{"system": "phone", "value": f"555-{number % 10_000:04d}", "use": "home"}],
        "gender": ("female", "male", "other", "unknown")[number % 4],
        "birthDate": f"{_BORN + number % 70}-{1 + number % 12:02d}-{1 + number % 28:02d}",
        "generalPractitioner": [{"reference": reference("Practitioner", number % _PRACTITIONERS)}],
        "managingOrganization": {"reference": f"Organization/{ORGANIZATION_ID}"},
    }


def _practitioner(number: int) -> Resource:
    return {
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": f"{10**9 + number}"}],
        "active": True,
        "name": [{**_name(number), "prefix": ["Dr."]}],
        "gender": ("female", "male")[number % 2],
        "qualification": [{"code": {"text": "MD"}}],
    }


def _role(number: int) -> Resource:
    return {
        "active": True,
        "practitioner": {"reference": reference("Practitioner", number % _PRACTITIONERS)},
        "organization": {"reference": f"Organization/{ORGANIZATION_ID}"},
        "code": [{"text": "Care coordinator"}],
    }


def _device(number: int) -> Resource:
    return {
        "status": "active",
        "serialNumber": f"SN-{number:05d}",
        "deviceName": [{"name": "Blood pressure cuff", "type": "user-friendly-name"}],
        "owner": {"reference": f"Organization/{ORGANIZATION_ID}"},
    }


def _medication(number: int) -> Resource:
    return {"status": "active", "code": {"text": f"Medication {_UNITS[number % 4]}"}}


def _substance(number: int) -> Resource:
    return {"status": "active", "code": {"text": f"Substance {_UNITS[number % 4]}"}}


def _organization(number: int) -> Resource:
    return {"active": True, "name": "Example Health" if not number else f"Clinic {number}"}


def _relative(number: int) -> Resource:
    return {
        "active": True,
        "patient": {"reference": reference("Patient", number)},
        "relationship": [{"text": "Sister"}],
        "name": [_name(number + 1)],
    }


_MAKERS: Final[Mapping[str, Callable[[int], Resource]]] = {
    "Patient": _patient,
    "Practitioner": _practitioner,
    "PractitionerRole": _role,
    "Device": _device,
    "Medication": _medication,
    "Substance": _substance,
    "Organization": _organization,
    "RelatedPerson": _relative,
}
