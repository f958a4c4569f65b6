"""The data that every upstream gets before the gateway's tests, written through plain FHIR HTTP.

A server chooses the ids of new groups, and the three answer a create differently. So the id is
taken from the one thing they share, the `Location` header.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from upstreams.processes import Upstream

TOKEN = "sandbox"
_TRIES = 5
PERSON_GROUPS = 25
TEAMS = 5
LARGE_GROUP_MEMBERS = 150
SHARED_PATIENT_NUMBER = 999
SHARED_PATIENT = f"{SHARED_PATIENT_NUMBER:032x}"
"""A member of every fifth person group, and of no other group."""


@dataclass(frozen=True)
class Seeded:
    """The ids that an upstream gave to the common data set, in the order of creation."""

    person_groups: tuple[str, ...]
    """`Person group 00` to `24`; number n has n % 4 patients of its own, so number 4 has none."""
    teams: tuple[str, ...]
    """`Team 0` to `4`, each with two practitioners."""
    large_group: str
    """`Large group`, with 150 patients."""
    shared_patient_groups: tuple[str, ...]
    """Those of the person groups that `shared_patient` is in."""
    shared_patient: str = SHARED_PATIENT


def seed(upstream: Upstream) -> Seeded:
    """Create the common data set on an upstream."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=upstream.url, headers=headers, timeout=60) as client:
        persons = tuple(create(client, person_group(n)) for n in range(PERSON_GROUPS))
        teams = tuple(create(client, team(n)) for n in range(TEAMS))
        large = create(
            client, group("Large group", "Patient", range(2000, 2000 + LARGE_GROUP_MEMBERS))
        )
    return Seeded(persons, teams, large, shared_patient_groups=persons[::5])


def create(client: httpx.Client, resource: dict[str, Any]) -> str:
    """Create a group and return the id that the server gave it.

    HAPI's JPA server answers 409 when something that it does in the background was faster.
    """
    response = client.post("/Group", json=resource)
    for _ in range(_TRIES):
        if response.status_code != HTTPStatus.CONFLICT:
            break
        response = client.post("/Group", json=resource)
    response.raise_for_status()
    return response.headers["location"].rpartition("Group/")[2].partition("/")[0]


def person_group(number: int) -> dict[str, Any]:
    """Build the person group of this number; every fifth has the shared patient first."""
    first = 1000 + 10 * number
    own = range(first, first + number % 4)
    shared = [SHARED_PATIENT_NUMBER] if number % 5 == 0 else []
    return group(f"Person group {number:02}", "Patient", [*shared, *own])


def team(number: int) -> dict[str, Any]:
    """Build the practitioner team of this number."""
    return group(f"Team {number}", "Practitioner", range(10 * number, 10 * number + 2))


def group(name: str, entity_type: str, members: Iterable[int]) -> dict[str, Any]:
    """Build a Group as a client writes it; FHIR has no empty lists, so none means no `member`."""
    entities = [member(entity_type, number) for number in members]
    return {
        "resourceType": "Group",
        "type": "person" if entity_type == "Patient" else "practitioner",
        "actual": True,
        "name": name,
        **({"member": entities} if entities else {}),
    }


def member(entity_type: str, number: int) -> dict[str, Any]:
    """Build one member; patient and practitioner ids are 32 hex digits."""
    return {"entity": {"reference": f"{entity_type}/{number:032x}", "type": entity_type}}
