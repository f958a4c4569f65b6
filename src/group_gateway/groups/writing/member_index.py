"""The members of a group, indexed by what identifies them. Pure.

A member is identified by the reference of its entity (`reference_key`). One without a reference is
identified by its business identifier, as `system|value`, or by its display.
"""

from collections import defaultdict
from typing import Any

from group_gateway.errors import Refused
from group_gateway.fhir.literal_reference import entity_text, reference_key
from group_gateway.fhir.operation_outcome import error
from group_gateway.groups.writing.merging import holds

Elements = dict[str, Any]


def member_key(member: object, base_url: str = "") -> str | None:
    """Return what all entries of the same member share; None for one without an identity."""
    text = entity_text(member)
    return reference_key(text, base_url) if text else next(iter(_other_texts(member)), None)


def _other_texts(member: object) -> list[str]:
    """Return the texts that identify a member without a reference."""
    entity = member.get("entity") if isinstance(member, dict) else None
    if not isinstance(entity, dict):
        return []
    identifier, display = entity.get("identifier"), entity.get("display")
    texts = []
    if isinstance(identifier, dict) and isinstance(identifier.get("value"), str):
        texts.append(f"{identifier.get('system') or ''}|{identifier['value']}")
    if isinstance(display, str) and display:
        texts.append(display)
    return texts


def entries_of(elements: Elements, name: str) -> list[Any]:
    """Return the entries of a list element, none when it is absent.

    An object in the place of the list is its only entry. Any other value has no entries.
    """
    value = elements.get(name)
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else []


def changeable_entries(elements: Elements, name: str, input_name: str) -> list[Any]:
    """Return the entries of a list element that will be changed.

    Raises Refused for a value that has no entries, because a change would lose it.
    """
    if not isinstance(elements.get(name), dict | list | None):
        raise Refused("The change is not valid.", issues=(malformed(name, input_name),))
    return entries_of(elements, name)


def malformed(name: str, *input_path: str | int) -> Any:
    """Return the issue that an element can't be changed because it is invalid FHIR."""
    text = f"The upstream's `{name}` is not what FHIR says. A change would lose it."
    return error("structure", text, *input_path)


def members_of(elements: Elements) -> list[Any]:
    """Return a Group's members."""
    return entries_of(elements, "member")


def is_active(member: Elements) -> bool:
    """Return whether a membership has not ended; an absent `inactive` means false (FHIR R4)."""
    return member.get("inactive") is not True


def matches(entry: Elements | None, wanted: Elements) -> bool:
    """Return whether a member's entry has the wanted `inactive` and `period`."""
    return (
        entry is not None
        and is_active(entry) == is_active(wanted)
        and holds(entry.get("period"), wanted.get("period", entry.get("period")))
    )


def counting(entries: list[Elements]) -> Elements:
    """Return the effective entry of a duplicated member: an active one before a former one."""
    return next(filter(is_active, entries), entries[0])


class MemberIndex:
    """An index of a Group's members. An upstream may list the same one more than once."""

    def __init__(self, elements: Elements, base_url: str = "") -> None:
        self._by_reference: dict[str, list[Elements]] = defaultdict(list)
        self._by_other_text: dict[str, list[Elements]] = defaultdict(list)
        for member in members_of(elements):
            text = entity_text(member)
            if text:
                self._by_reference[reference_key(text, base_url)].append(member)
                continue
            for other in _other_texts(member):
                self._by_other_text[other].append(member)

    def find(self, key: str) -> list[Elements]:
        """Return the entries of a member, by its key or by another text that identifies it."""
        return self._by_reference.get(key) or self._by_other_text.get(key) or []

    def current(self, key: str) -> Elements | None:
        """Return the effective entry of a member."""
        entries = self.find(key)
        return counting(entries) if entries else None
