"""What a client filters groups by, and whether a group really fits."""

from dataclasses import dataclass
from typing import Any

import msgspec

from group_gateway.fhir.group_resource import UNREADABLE, GroupResource, NotAGroup
from group_gateway.fhir.literal_reference import entity_text, parse_reference

PATIENT_PARAMETERS = ("patient", "member")
"""Search parameters that find a patient's groups: Canvas Medical's, and FHIR R4's."""


class _Typed(msgspec.Struct):
    type: Any = None


class _Membered(msgspec.Struct):
    member: Any = None


_typed = msgspec.json.Decoder(_Typed)
_membered = msgspec.json.Decoder(_Membered)


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """AND between fields. `type` is FHIR's code; the others are logical ids."""

    type: str | None = None
    patient: str | None = None
    practitioner: str | None = None

    @property
    def needs_statement(self) -> bool:
        """Whether to read what the upstream says about itself before it is asked."""
        return self.patient is not None or self.practitioner is not None

    @property
    def looks_inside(self) -> bool:
        """Whether groups are judged by elements that a search may leave out."""
        return self.patient is not None or self.practitioner is not None

    def fits(self, group: GroupResource) -> bool:
        """Tell whether a group fits, from its own elements and whatever the upstream did.

        Raises NotAGroup when they can't be decoded.
        """
        try:
            if self.type is not None and _typed.decode(group.raw).type != self.type:
                return False
            return all(_has_member(group.raw, kind, id) for kind, id in self._members())
        except UNREADABLE as error:
            raise NotAGroup("a value can't be decoded") from error

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


def _has_member(raw: bytes, kind: str, id: str) -> bool:
    # Most groups don't name the member anywhere: finding that out costs next to nothing, where
    # decoding 10,000 members takes milliseconds. JSON may write any letter as an escape, though.
    if id.encode() not in raw and b"\\u" not in raw:
        return False
    members = _membered.decode(raw).member
    return isinstance(members, list) and any(_is(member, kind, id) for member in members)


def _is(member: object, kind: str, id: str) -> bool:
    text = entity_text(member)
    if text is None or id not in text:
        return False
    reference = parse_reference(text)
    return reference is not None and (reference.type, reference.id) == (kind, id)
