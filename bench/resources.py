"""Made-up FHIR resources of known sizes, and the files that serve them. Pure.

The same groups on every run: 100 of about 10 members, 100 of 3, one of 1,000, one of 10,000.
"""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

Resource = dict[str, Any]
_TOGETHER = "together"
LISTED = 100
"""Groups of about 10 members, which a page lists; as many small ones follow."""


def identifier(text: str) -> uuid.UUID:
    """Return the same UUID for the same text."""
    return uuid.UUID(bytes=hashlib.blake2b(text.encode(), digest_size=16).digest())


def _concept(text: str, code: str) -> Resource:
    coding = {"system": "http://snomed.info/sct", "code": code, "display": text}
    return {"coding": [coding], "text": text}


def _member(group: str, number: int) -> Resource:
    patient = identifier(f"patient {group} {number}").hex
    member: Resource = {"entity": {"reference": f"Patient/{patient}", "type": "Patient"}}
    if number % 3 == 0:  # the API leaves it out most of the time
        member["inactive"] = number % 2 == 0
    return member


def group(name: str, members: int) -> Resource:
    """Make a group with `members` members."""
    female = _concept("Female", "248152002")
    kidney = _concept("Chronic kidney disease", "709044004")
    sex = {"code": _concept("Gender", "263495000"), "valueCodeableConcept": female}
    disease = {"code": _concept("Condition", "64572001"), "valueCodeableConcept": kidney}
    return {
        "resourceType": "Group",
        "id": str(identifier(f"group {name}")),
        "type": "person",
        "actual": True,
        "name": f'Group {name}: Café "Arizona"',
        "quantity": members,
        "characteristic": [{**sex, "exclude": False}, {**disease, "exclude": True}],
        "member": [_member(name, number) for number in range(members)],
    }


def patient(id: str, number: int) -> Resource:
    """Make a patient with a name, and what else a record has."""
    name = {"use": "official", "family": f"Family {number}", "given": ["Ada", "José"]}
    mrn = {"system": "urn:example:mrn", "value": f"{number:06}"}
    phone = {"system": "phone", "value": f"555-{number:04}", "use": "home"}
    return {
        "resourceType": "Patient",
        "id": id,
        "meta": {"versionId": "1", "lastUpdated": "2026-01-02T03:04:05Z"},
        "identifier": [mrn],
        "active": True,
        "name": [name],
        "telecom": [phone],
        "gender": "female",
        "birthDate": f"19{number % 100:02}-05-06",
    }


def page(groups: Sequence[Resource], offset: int, total: int) -> Resource:
    """Make a page of a search, as the upstream links it."""
    count = len(groups)
    links = {"self": offset, "first": 0}
    if offset + count < total:
        links["next"] = offset + count
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": total,
        "link": [
            {"relation": name, "url": f"/Group?_count={count}&_offset={start}"}
            for name, start in links.items()
        ],
        "entry": [{"resource": one} for one in groups],
    }


class Catalogue:
    """The groups that the workloads ask for."""

    def __init__(self) -> None:
        self.listed = [group(f"{n}", 5 + n % 11) for n in range(LISTED)]
        self.small = [group(f"{n}", 3) for n in range(LISTED, 2 * LISTED)]
        self.large = group("large", 1_000)
        self.largest = group("largest", 10_000)
        self.together = self.small[:50]
        """Asked for in one request, which a search for all their ids can answer."""

    def files(self) -> dict[str, Resource]:
        """Return what is to be served, by path below the server's root."""
        total = len(self.listed) + len(self.small)
        return {
            **group_files([*self.listed, *self.small, self.large, self.largest]),
            f"search/{LISTED}-0.json": page(self.listed, 0, total),
            f"search/{_TOGETHER}.json": page(self.together, 0, len(self.together)),
        }

    def searches(self) -> dict[str, str]:
        """Return the file below `search` that answers a list of ids."""
        return {",".join(one["id"] for one in self.together): _TOGETHER}


def group_files(groups: Iterable[Resource]) -> dict[str, Resource]:
    """Return the file of each group, for reads."""
    return {f"Group/{one['id']}.json": one for one in groups}
