"""The groups of the `fhirstarter` upstream, in memory, and the rules of the house they obey.

`fhirstarter_app.py` calls it from its handlers; what it raises becomes an OperationOutcome.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from fhir.resources.R4B.group import Group
from fhirstarter.exceptions import FHIRResourceNotFoundError, FHIRUnprocessableEntityError

HALF = "sandbox-other"
"""The token that sees only half of the groups."""


@dataclass
class Record:
    """A stored group, when it last changed, and whether the token `sandbox-other` sees it."""

    group: Group
    updated: datetime
    shared: bool


class GroupStore:
    """The groups in the order of their creation, and who may see which."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    def visible(self, token: str) -> Iterator[Group]:
        """Yield the groups this token may see."""
        return (r.group for r in self._records.values() if r.shared or token != HALF)

    def find(self, id_: str, token: str) -> Record:
        """Return the record, or answer 404 if it is absent or hidden from this token."""
        record = self._records.get(id_)
        if record is None or (token == HALF and not record.shared):
            raise FHIRResourceNotFoundError
        return record

    def add(self, group: Group, token: str) -> str:
        """Store a new group under a new id; every second one stays hidden from `sandbox-other`."""
        self._refuse_taken_responsibility(group)
        group.id = str(uuid.uuid4())
        shared = token == HALF or len(self._records) % 2 == 0
        self._records[group.id] = Record(_counted(group), datetime.now(UTC), shared)
        return group.id

    def replace(self, record: Record, group: Group) -> None:
        """Replace a group; elements that the new one omits are removed."""
        group.id = record.group.id
        self._refuse_taken_responsibility(group)
        record.group, record.updated = _counted(group), datetime.now(UTC)

    def _refuse_taken_responsibility(self, group: Group) -> None:
        others = (r.group for r in self._records.values() if r.group.id != group.id)
        if any(_responsibilities(group) & _responsibilities(other) for other in others):
            raise FHIRUnprocessableEntityError(
                "business-rule", "Responsibility is already assigned to another team"
            )


def _counted(group: Group) -> Group:
    group.quantity = len(group.member or ())
    return group


def _responsibilities(group: Group) -> set[str]:
    return {
        each.valueCodeableConcept.text
        for each in group.characteristic or ()
        if each.code.text == "responsibility" and each.valueCodeableConcept
    }
