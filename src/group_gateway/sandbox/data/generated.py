"""The generated set: realistic groups of every size, the same ones on every start.

Special groups are in `showcase.py`.
"""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from group_gateway.sandbox import wellknown as known
from group_gateway.sandbox.data.seeded_people import reference
from group_gateway.sandbox.data.showcase import device_group, nested_group, rich_group, team

_CONDITIONS: Final = (
    "Asthma", "Atrial Fibrillation", "Cardiac Rehabilitation", "Chronic Kidney Disease", "COPD",
    "Depression Follow-up", "Diabetes Care", "Fall Prevention", "Heart Failure", "Hypertension",
    "Medication Review", "Osteoporosis", "Post-Surgery", "Prenatal Care", "Smoking Cessation",
    "Weight Management",
)  # fmt: skip
_PLACES: Final = (
    "Bay Street", "Cedar Park", "Downtown", "East Side", "Fairview", "Green Valley", "Harbor",
    "Hillcrest", "Lakeshore", "Mesa", "North Clinic", "Oak Lawn", "Riverside", "South Clinic",
    "Westfield",
)  # fmt: skip
# Ordinary groups share these patients, so that a patient is in several groups.
_PATIENTS: Final = 1_500
_PRACTITIONERS: Final = 60
# The people of the large groups are in no other, so that a patient's groups stay small.
_MEDIUM_FROM: Final = 100_000
_LARGE_FROM: Final = 200_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much to generate; `SandboxOptions` explains each."""

    person_groups: int
    teams: int
    medium_members: int
    large_members: int


def generated_groups(sizes: Sizes) -> Iterator[dict[str, Any]]:
    """Yield the generated groups, the large ones last."""
    chance = random.Random(2025)  # noqa: S311  the same groups on every start, no secrets
    yield rich_group()
    yield from (_team(number, chance) for number in range(sizes.teams))
    yield from (_patients(number, chance) for number in range(sizes.person_groups))
    yield nested_group()
    yield device_group()
    yield _many(known.MEDIUM_GROUP_ID, "Annual Wellness Visits", _MEDIUM_FROM, sizes.medium_members)
    yield _many(known.LARGE_GROUP_ID, "All Attributed Lives", _LARGE_FROM, sizes.large_members)


def _patients(number: int, chance: random.Random) -> dict[str, Any]:
    condition = _CONDITIONS[number % len(_CONDITIONS)]
    place = _PLACES[number % len(_PLACES)]
    chosen = chance.sample(range(_PATIENTS), chance.randint(0, 30))
    group = _group(f"person/{number}", "person", f"{condition}, {place}")
    members = [_member("Patient", patient) for patient in chosen]
    for position, member in enumerate(members):
        _vary(member, number + position)
    if number % 4 == 0:
        group["identifier"] = [
            {"system": "https://example.org/cohorts", "value": f"COHORT-{number:04d}"}
        ]
    if number % 5 == 0:
        group["characteristic"] = [_adults()]
    return group | {"member": members}


def _team(number: int, chance: random.Random) -> dict[str, Any]:
    place = _PLACES[number % len(_PLACES)]
    chosen = chance.sample(range(_PRACTITIONERS), chance.randint(2, 9))
    members = [_member("Practitioner", practitioner) for practitioner in chosen]
    shift = number // len(_PLACES) + 1
    group = _group(f"team/{number}", "practitioner", f"Care Team {place} {shift}")
    return team(group | {"member": members}, number)


def _many(identity: str, name: str, start: int, size: int) -> dict[str, Any]:
    members = [_member("Patient", start + number) for number in range(size)]
    return _group("", "person", name) | {"id": identity, "member": members}


def _group(key: str, kind: str, name: str) -> dict[str, Any]:
    digest = blake2b(key.encode(), digest_size=16).digest()
    identity = str(uuid.UUID(bytes=digest, version=4))
    return {"resourceType": "Group", "id": identity, "type": kind, "actual": True, "name": name}


def _member(kind: str, number: int) -> dict[str, Any]:
    return {"entity": {"reference": reference(kind, number), "type": kind}}


def _vary(member: dict[str, Any], number: int) -> None:
    if number % 3 == 0:
        member["period"] = {"start": f"{2019 + number % 6}-{1 + number % 12:02d}-15"}
    if number % 11 == 0:
        member["period"] = {"start": "2018-03-01", "end": "2024-06-30"}
        member["inactive"] = True


def _adults() -> dict[str, Any]:
    return {
        "code": {"text": "age"},
        "valueRange": {"low": {"value": 18, "unit": "a"}, "high": {"value": 75, "unit": "a"}},
        "exclude": False,
    }
