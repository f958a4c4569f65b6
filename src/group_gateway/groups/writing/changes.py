"""What a write does to a group, as pure functions on its decoded elements.

A change is applied to a fresh state, maybe more than once (a rebase), and afterwards held against
what the upstream says it stored. It touches exactly what it names. `memberships` has more of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from group_gateway.errors import Refused
from group_gateway.fhir.characteristic import (
    responsibilities_of,
    responsibility,
    responsibility_of,
)
from group_gateway.fhir.operation_outcome import Issue, warning
from group_gateway.groups.writing.input_paths import at, place_of, responsibility_place
from group_gateway.groups.writing.input_validation import (
    member_type_issues,
    responsibility_type_issues,
)
from group_gateway.groups.writing.member_index import MemberIndex, member_key, members_of, says
from group_gateway.groups.writing.merging import GROUP, PERIOD, holds, merged

Elements = dict[str, Any]
_REASONS = "the upstream did not store it so, or somebody has changed it since"
_MEMBERSHIP = ("member", "type", "actual")
"""Elements that say together who may be a member."""


class Change:
    """A change of one group.

    `rebases` tells that it means the same on any state of the group, so that it may be applied
    again when somebody else was faster. `id_name` is the input's field that names the group.
    """

    rebases = True
    id_name = "groupId"

    def apply(self, elements: Elements) -> list[Issue]:
        """Set and remove elements; give remarks. Raises Refused, with nothing changed.

        What is inside an element is never changed in place: others go on using the old value.
        """
        raise NotImplementedError

    def check(self, stored: Elements) -> list[Issue]:
        """Give a warning for each part that the upstream did not store."""
        raise NotImplementedError

    def fallback(self, stored: Elements, sent: Elements) -> "Change | None":  # noqa: ARG002 - hook
        """Give another way to the same end, when `sent` did not work with this upstream."""
        return None

    def located(self, issues: Sequence[Issue], sent: Elements) -> list[Issue]:  # noqa: ARG002 - hook
        """Give the upstream's issues about `sent` with the places of the input they are about."""
        return list(issues)


@dataclass(frozen=True)
class SetElements(Change):
    """Sets elements to FHIR values, and removes those whose value is None."""

    values: dict[str, Any]
    rebases = False
    id_name = "id"

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        issues = self._membership_issues(elements)
        if issues:
            raise Refused("The change is not valid.", issues=tuple(issues))
        for name, value in self.values.items():
            if value is None:
                elements.pop(name, None)
            elif name == "member":
                elements[name] = _merged_members(elements, value)
            else:
                elements[name] = merged(name, GROUP.get(name), elements.get(name), value)
        return []

    def check(self, stored: Elements) -> list[Issue]:
        """See Change."""
        return [
            warning("incomplete", f"`{name}` is not as asked: {_REASONS}.", name)
            for name, value in self.values.items()
            if not (_lists if name == "member" else holds)(stored.get(name), value)
        ]

    def located(self, issues: Sequence[Issue], sent: Elements) -> list[Issue]:  # noqa: ARG002
        """See Change."""
        places = map(place_of, issues)
        return [
            at(issue, place) if place[:1] and place[0] in self.values else issue
            for issue, place in zip(issues, places, strict=True)
        ]

    def _membership_issues(self, elements: Elements) -> list[Issue]:
        said = [name for name in _MEMBERSHIP if name in self.values]
        issues = member_type_issues({**elements, **self.values}, "member") if said else []
        if issues and "member" not in said:  # it is the group's own members that don't fit
            return [at(issues[0], (said[0],))]
        return issues


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
        kept = [entry for entry in entries if _held(entry) in {None, *self.codes}]
        present = set(map(_held, kept))
        new = [responsibility(code) for code in self.codes if code not in present]
        if new or len(kept) != len(entries):
            elements["characteristic"] = kept + new
        return []

    def check(self, stored: Elements) -> list[Issue]:
        """See Change."""
        has = set(responsibilities_of(stored))
        missing = [
            warning("incomplete", f"It is not there: {_REASONS}.", "responsibilities", index)
            for index, code in enumerate(self.codes)
            if code not in has
        ]
        if has - set(self.codes):
            text = f"The team has others too: {_REASONS}."
            missing.append(warning("incomplete", text, "responsibilities"))
        return missing

    def located(self, issues: Sequence[Issue], sent: Elements) -> list[Issue]:  # noqa: ARG002
        """See Change."""
        return [at(issue, responsibility_place(issue, self.codes)) for issue in issues]


def _held(characteristic: object) -> str | None:
    """Give the responsibility that a characteristic carries and does not exclude."""
    if isinstance(characteristic, dict) and characteristic.get("exclude") is True:
        return None
    return responsibility_of(characteristic)


def _merged_members(before: Elements, wanted: list[Elements]) -> list[Elements]:
    """Give the wanted members, each with what its entry held that the input can't say."""
    member_index = MemberIndex(before)
    return [_merged_member(member_index.current(member_key(m) or ""), m) for m in wanted]


def _merged_member(entry: Elements | None, wanted: Elements) -> Elements:
    if entry is None:
        return wanted
    said = {**wanted, "entity": entry["entity"]}
    return merged("member", {"entity": None, "inactive": None, "period": PERIOD}, entry, said)  # type: ignore[no-any-return]


def _lists(stored: Any, wanted: list[Elements] | None) -> bool:
    """Tell whether the stored members are those wanted, in any order."""
    member_index = MemberIndex({"member": stored})
    asked = wanted or []
    return len(members_of({"member": stored})) == len(asked) and all(
        says(member_index.current(member_key(member) or ""), member) for member in asked
    )
