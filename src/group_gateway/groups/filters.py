"""What a client filters groups by, and whether a group really fits. Used by `plans` and `walk`."""

from dataclasses import dataclass
from typing import Any

import msgspec

from group_gateway.fhir.reference import entity_reference
from group_gateway.fhir.resource import GroupResource

PATIENT_PARAMETERS = ("patient", "member")
"""Search parameters that find a patient's groups: Canvas Medical's, and FHIR R4's."""


class _Filterable(msgspec.Struct):
    type: Any = None
    member: Any = None


_filterable = msgspec.json.Decoder(_Filterable)


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """AND between fields. `type` is FHIR's code; the others are logical ids."""

    type: str | None = None
    patient: str | None = None
    practitioner: str | None = None

    def is_empty(self) -> bool:
        """Tell whether every group fits."""
        return self == _EVERYTHING

    def fits(self, group: GroupResource) -> bool:
        """Tell whether a group fits, from its own elements and whatever the upstream did."""
        if self.is_empty():
            return True
        seen = _filterable.decode(group.raw)
        return (self.type is None or seen.type == self.type) and all(
            _has_member(seen.member, *wanted) for wanted in self._members()
        )

    def _members(self) -> list[tuple[str, str]]:
        wanted = (("Patient", self.patient), ("Practitioner", self.practitioner))
        return [(kind, id) for kind, id in wanted if id is not None]

    def part(self, parameter: str) -> "GroupFilter":
        """Give the part of this filter that a search parameter stands for."""
        if parameter == "type":
            return GroupFilter(type=self.type)
        if parameter == "patient" or self.patient is not None:
            return GroupFilter(patient=self.patient)
        return GroupFilter(practitioner=self.practitioner)


_EVERYTHING = GroupFilter()


def _has_member(members: object, kind: str, id: str) -> bool:
    if not isinstance(members, list):
        return False
    references = (entity_reference(member) for member in members)
    return any(ref is not None and (ref.type, ref.id) == (kind, id) for ref in references)
