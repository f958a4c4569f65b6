"""The special groups of the generated set, which examples and tests name by `wellknown.py`."""

from decimal import Decimal
from typing import Any, Final

from group_gateway.sandbox import wellknown as known
from group_gateway.sandbox.data.seeded_people import reference

Group = dict[str, Any]

_UCUM: Final = "http://unitsofmeasure.org"
_SNOMED: Final = "http://snomed.info/sct"
# Which team holds which responsibilities, by the team's number; some stay unassigned.
_HELD: Final = {
    0: known.TEAM_RESPONSIBILITIES,
    1: ("COLLECT_SPECIMENS_FROM_PATIENT",),
    3: ("COMMUNICATE_DIAGNOSTIC_RESULTS_TO_PATIENT", "SCHEDULE_LAB_VISITS_FOR_PATIENT"),
    4: ("COORDINATE_REFERRALS_FOR_PATIENT",),
    7: ("POPULATION_HEALTH_CAMPAIGN_OUTREACH", "COMPLETE_OPEN_LAB_ORDERS"),
}
_TEAM_IDS: Final = {0: known.TEAM_ID, 1: known.HIDDEN_TEAM_ID}


def team(group: Group, number: int) -> Group:
    """Return the generated team with the id and the responsibilities of its number, if any."""
    held = [_responsibility(code) for code in _HELD.get(number, ())]
    identity = {"id": _TEAM_IDS[number]} if number in _TEAM_IDS else {}
    return group | identity | ({"characteristic": held} if held else {})


def rich_group() -> Group:
    """Return a group that has every R4 element, and all five kinds of characteristic."""
    return {
        "resourceType": "Group",
        "id": known.RICH_GROUP_ID,
        "meta": {"tag": [{"system": "https://example.org/tags", "code": "showcase"}]},
        "implicitRules": "https://example.org/rules/cohort",
        "language": "en",
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml">Blood pressure trial</div>',
        },
        "contained": [{"resourceType": "Organization", "id": "sponsor", "name": "Sponsor Ltd"}],
        "extension": [
            {"url": "https://example.org/fhir/color", "valueCode": "teal"},
            {"url": "https://example.org/fhir/weight", "valueDecimal": Decimal("1.10")},
        ],
        "identifier": [
            {
                "use": "official",
                "type": {"text": "Trial arm"},
                "system": "https://example.org/trials",
                "value": "BP-2025-A",
                "period": {"start": "2025-01-01"},
                "assigner": {"display": "Trials office"},
            }
        ],
        "active": True,
        "type": "person",
        "actual": True,
        "code": {
            "coding": [{"system": _SNOMED, "code": "38341003", "display": "Hypertension"}],
            "text": "Hypertension",
        },
        "name": "Blood Pressure Trial, Arm A",
        "_name": {"extension": [{"url": "https://example.org/fhir/short", "valueString": "BP-A"}]},
        "managingEntity": {
            "reference": "Organization/7d0f5d3e2c6b4a1f9e8d7c6b5a493827",
            "type": "Organization",
            "display": "Example Health",
        },
        "characteristic": _characteristics(),
        "member": _members(),
    }


def nested_group() -> Group:
    """Return a patient group whose members are groups."""
    members = [
        {"entity": {"reference": f"Group/{identity}", "type": "Group"}}
        for identity in (known.TEST_GROUP_ID, known.GOLD_KIDNEY_ID, known.RICH_GROUP_ID)
    ]
    return _plain(known.NESTED_GROUP_ID, "person", "Groups of the South Region", members)


def device_group() -> Group:
    """Return a group of devices."""
    members = [
        {"entity": {"reference": reference("Device", number), "type": "Device"}}
        for number in range(3)
    ]
    return _plain(known.DEVICE_GROUP_ID, "device", "Loan Blood Pressure Cuffs", members)


def _plain(identity: str, kind: str, name: str, members: list[Group]) -> Group:
    return {
        "resourceType": "Group",
        "id": identity,
        "type": kind,
        "actual": True,
        "name": name,
        "member": members,
    }


def _members() -> list[Group]:
    return [
        {
            "entity": {"reference": reference("Patient", 1), "type": "Patient"},
            "period": {"start": "2025-01-15T09:30:00+01:00"},
        },
        {
            "entity": {"reference": reference("Patient", 2), "type": "Patient"},
            "period": {"start": "2024-02", "end": "2025-03-31"},
            "inactive": True,
        },
        {
            "extension": [{"url": "https://example.org/fhir/consent", "valueBoolean": True}],
            "entity": {
                "reference": reference("Patient", 3),
                "type": "Patient",
                "identifier": {"system": "https://example.org/mrn", "value": "MRN-0003"},
            },
            "inactive": False,
        },
    ]


def _characteristics() -> list[Group]:
    return [
        {
            "code": {"coding": [{"system": _SNOMED, "code": "263495000"}], "text": "gender"},
            "valueCodeableConcept": {"coding": [{"code": "female"}], "text": "Female"},
            "exclude": False,
        },
        {"code": {"text": "pregnant"}, "valueBoolean": True, "exclude": True},
        {
            "code": {"text": "systolic blood pressure"},
            "valueQuantity": {
                "value": Decimal("140.0"),
                "comparator": ">=",
                "unit": "mmHg",
                "system": _UCUM,
                "code": "mm[Hg]",
            },
            "exclude": False,
            "period": {"start": "2025-01-01", "end": "2025-12-31"},
        },
        {
            "code": {"text": "age"},
            "valueRange": {"low": {"value": 40, "unit": "a"}, "high": {"value": 70, "unit": "a"}},
            "exclude": False,
        },
        {
            "code": {"text": "primary clinic"},
            "valueReference": {"reference": "Location/bay-street", "display": "Bay Street"},
            "exclude": False,
        },
    ]


def _responsibility(code: str) -> Group:
    return {
        "code": {"text": "responsibility"},
        "valueCodeableConcept": {"text": code},
        "exclude": False,
    }
