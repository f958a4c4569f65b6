"""What a write does to a group, as pure functions on its decoded elements. Used by `writes`.

A change is applied to a fresh state, maybe more than once (a rebase), and afterwards held against
what the upstream says it stored. It touches exactly what it names.
"""

from dataclasses import dataclass
from typing import Any

from group_gateway.errors import Refused
from group_gateway.fhir.characteristic import (
    responsibilities_of,
    responsibility,
    responsibility_of,
)
from group_gateway.fhir.outcome import Issue, information, warning
from group_gateway.fhir.reference import LiteralReference, entity_reference
from group_gateway.groups.validation import member_type_issues, responsibility_type_issues

Elements = dict[str, Any]
_MEMBERSHIP = frozenset({"type", "actual", "member"})
"""Elements that say together who may be a member."""


class Change:
    """A change of one group.

    `rebases` tells that it means the same on any state of the group, so that it may be applied
    again when somebody else was faster.
    """

    rebases = True

    def apply(self, elements: Elements) -> list[Issue]:
        """Change the elements in place; give remarks. Raises Refused, with nothing changed."""
        raise NotImplementedError

    def check(self, stored: Elements) -> list[Issue]:
        """Give a warning for each part that the upstream did not store."""
        raise NotImplementedError

    def fallback(self, stored: Elements) -> "Change | None":  # noqa: ARG002 - for subclasses
        """Give another way to the same end, when this one did not work."""
        return None


@dataclass(frozen=True)
class SetElements(Change):
    """Sets elements to FHIR values, and removes those whose value is None."""

    values: dict[str, Any]
    rebases = False

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        merged = {**elements, **self.values}
        issues = member_type_issues(merged, "member") if _MEMBERSHIP & self.values.keys() else []
        if issues:
            raise Refused("The change is not valid.", issues=tuple(issues))
        for name, value in self.values.items():
            if value is None:
                elements.pop(name, None)
            elif name == "member":
                elements[name] = _merge_members(elements.get(name), value)
            else:
                elements[name] = value
        return []

    def check(self, stored: Elements) -> list[Issue]:
        """See Change."""
        return [
            warning("incomplete", f"The upstream did not store `{name}` as asked.", name)
            for name, value in self.values.items()
            if not _holds(stored.get(name), value)
        ]


@dataclass(frozen=True)
class AddMembers(Change):
    """Adds members, FHIR values with a literal reference each, or brings them up to date."""

    members: tuple[Elements, ...]

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        issues = member_type_issues({**elements, "member": list(self.members)}, "members")
        if issues:
            raise Refused("The change is not valid.", issues=tuple(issues))
        present = _by_reference(_members(elements))
        remarks, added = [], []
        for index, member in enumerate(self.members):
            known = present.get(_reference(member))
            if known is None:
                added.append(member)
            elif _holds(known, member) and (known.get("inactive") is not True):
                remarks.append(information("duplicate", "Already a member.", "members", index))
            else:
                known.update(member | {"entity": known["entity"]})
                if "inactive" not in member:
                    known.pop("inactive", None)
        if added:
            elements["member"] = [*_members(elements), *added]
        return remarks

    def check(self, stored: Elements) -> list[Issue]:
        """See Change."""
        present = _by_reference(_members(stored))
        return [
            warning("incomplete", "The upstream did not store this member.", "members", index)
            for index, member in enumerate(self.members)
            if not _holds(present.get(_reference(member)), {**member, "entity": {}})
        ]


@dataclass(frozen=True)
class RemoveMembers(Change):
    """Removes members by leaving them out; where that removes nothing, makes them inactive."""

    references: tuple[LiteralReference, ...]

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        members = _members(elements)
        gone = {str(reference) for reference in self.references}
        kept = [member for member in members if _reference(member) not in gone]
        remarks = _not_members(self.references, members)
        if len(kept) != len(members):
            elements["member"] = kept
        return remarks

    def check(self, stored: Elements) -> list[Issue]:
        """See Change."""
        active = _active(stored)
        return [
            warning("incomplete", "The upstream still has this member.", "members", index)
            for index, reference in enumerate(self.references)
            if str(reference) in active
        ]

    def fallback(self, stored: Elements) -> Change | None:
        """See Change."""
        left = _active(stored).intersection(map(str, self.references))
        return DeactivateMembers(self.references) if left else None


@dataclass(frozen=True)
class DeactivateMembers(RemoveMembers):
    """Makes members inactive: removal, for an upstream that keeps what a PUT leaves out."""

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        remarks = _not_members(self.references, _members(elements))
        present = _by_reference(_members(elements))
        for index, reference in enumerate(self.references):
            known = present.get(str(reference))
            if known is not None and known.get("inactive") is not True:
                known["inactive"] = True
                text = "The upstream keeps former members: made inactive."
                remarks.append(information("informational", text, "members", index))
        return remarks

    def fallback(self, stored: Elements) -> Change | None:  # noqa: ARG002 - there is no other way
        """See Change."""
        return None


@dataclass(frozen=True)
class SetResponsibilities(Change):
    """Makes a team's responsibilities exactly these; other characteristics stay as they are."""

    codes: tuple[str, ...]

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        issues = responsibility_type_issues(elements)
        if issues:
            raise Refused("The change is not valid.", issues=tuple(issues))
        had = elements.get("characteristic")
        entries = had if isinstance(had, list) else []
        kept = [
            e for e in entries if responsibility_of(e) is None or responsibility_of(e) in self.codes
        ]
        present = set(responsibilities_of({"characteristic": kept}))
        new = [responsibility(code) for code in self.codes if code not in present]
        if new or len(kept) != len(entries):
            elements["characteristic"] = kept + new
        return []

    def check(self, stored: Elements) -> list[Issue]:
        """See Change."""
        has = set(responsibilities_of(stored))
        missing = [
            warning("incomplete", "The upstream did not store this.", "responsibilities", index)
            for index, code in enumerate(self.codes)
            if code not in has
        ]
        if has - set(self.codes):
            text = "The upstream kept responsibilities that were to go."
            missing.append(warning("incomplete", text, "responsibilities"))
        return missing


def _members(elements: Elements) -> list[Any]:
    members = elements.get("member")
    return members if isinstance(members, list) else []


def _reference(member: object) -> str | None:
    reference = entity_reference(member)
    return None if reference is None else str(reference)


def _by_reference(members: list[Any]) -> dict[str | None, Elements]:
    """Index members by reference; of several with the same one the active one counts."""
    index: dict[str | None, Elements] = {}
    for member in members:
        reference = _reference(member)
        if reference is not None and (
            reference not in index or index[reference].get("inactive") is True
        ):
            index[reference] = member
    return index


def _active(elements: Elements) -> set[str]:
    present = _by_reference(_members(elements))
    return {ref for ref, m in present.items() if ref is not None and m.get("inactive") is not True}


def _not_members(references: tuple[LiteralReference, ...], members: list[Any]) -> list[Issue]:
    present = _by_reference(members)
    return [
        information("not-found", "Not a member.", "members", index)
        for index, reference in enumerate(references)
        if str(reference) not in present
    ]


def _merge_members(before: object, wanted: list[Elements]) -> list[Elements]:
    """Give the wanted members, each with what its entry held that the input can't say."""
    present = _by_reference(before if isinstance(before, list) else [])
    merged = []
    for member in wanted:
        known = present.get(_reference(member), {})
        hidden = {k: v for k, v in known.items() if k not in {"period", "inactive"}}
        merged.append({**member, **hidden})
    return merged


def _holds(actual: Any, wanted: Any) -> bool:
    """Tell whether `actual` says all that `wanted` says; it may say more."""
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(_holds(actual.get(k), v) for k, v in wanted.items())
    if isinstance(wanted, list):
        actual = actual or []
        return len(actual) == len(wanted) and all(map(_holds, actual, wanted))
    if wanted is False and actual is None:
        return True  # an absent boolean flag of a Group means false
    return bool(actual == wanted)
