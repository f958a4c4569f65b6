"""The members of a group, found by reference. Pure.

References are compared as text in a normal form: `Patient/1`, or absolute `https://…/Patient/1`,
without a version. Of 10,000 members hardly any is absolute, so hardly any has to be taken apart.
"""

from collections import defaultdict
from typing import Any

from group_gateway.fhir.literal_reference import entity_text, parse_reference
from group_gateway.groups.writing.merging import holds

Elements = dict[str, Any]


def reference_key(text: str) -> str:
    """Give the normal form of a reference; of what is no literal reference, the text itself."""
    if "://" not in text and "/_history/" not in text:
        return text
    reference = parse_reference(text)
    if reference is None:
        return text
    return f"{reference.base}/{reference}" if reference.base else str(reference)


def relative_to(text: str, home: str) -> str:
    """Give a reference into the FHIR server at `home` relative to it, any other one as it is."""
    reference = parse_reference(text) if "://" in text else None
    if reference is None or (reference.base or "").rstrip("/") != home:
        return text
    return str(reference)


def member_key(member: object) -> str | None:
    """Give the normal form of a decoded member's reference, None when it has none."""
    text = entity_text(member)
    return None if text is None else reference_key(text)


def members_of(elements: Elements) -> list[Any]:
    """Give a Group's members; none when the element is absent or no list."""
    members = elements.get("member")
    return members if isinstance(members, list) else []


def is_active(member: Elements) -> bool:
    """Tell whether a membership has not ended; an absent `inactive` means false (FHIR R4)."""
    return member.get("inactive") is not True


def says(entry: Elements | None, wanted: Elements) -> bool:
    """Tell whether a member's entry says of the membership what is wanted; the entity aside."""
    return (
        entry is not None
        and is_active(entry) == is_active(wanted)
        and holds(entry.get("period"), wanted.get("period", entry.get("period")))
    )


def counting(entries: list[Elements]) -> Elements:
    """Give the entry of a member that counts: an active one before a former one."""
    return next(filter(is_active, entries), entries[0])


class MemberIndex:
    """An index of a Group's members. An upstream may list the same one more than once."""

    def __init__(self, elements: Elements) -> None:
        self._entries: dict[str, list[Elements]] = defaultdict(list)
        self._absolute: dict[str, list[Elements]] = defaultdict(list)
        for member in members_of(elements):
            key = member_key(member)
            if key is None:
                continue
            self._entries[key].append(member)
            if "://" in key:
                self._absolute["/".join(key.split("/")[-2:])].append(member)

    def find(self, key: str) -> list[Elements]:
        """Give the entries of a member.

        A relative reference also finds absolute ones, where no relative one is listed: whether
        `https://…/Patient/1` is this upstream's `Patient/1` only the upstream can know.
        """
        return self._entries.get(key) or self._absolute.get(key) or []

    def current(self, key: str) -> Elements | None:
        """Give the entry of a member that counts."""
        entries = self.find(key)
        return counting(entries) if entries else None
