"""What a write does to a group, as pure functions on its decoded elements.

A change is applied to a fresh state, maybe more than once (a rebase), and afterwards compared with
what the upstream stored. It changes exactly what it names. See also `memberships`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from group_gateway.errors import Refused
from group_gateway.fhir.characteristic import (
    responsibilities_of,
    responsibility,
    responsibility_of,
)
from group_gateway.fhir.group_elements import GROUP
from group_gateway.fhir.operation_outcome import Issue, error, warning
from group_gateway.groups.writing.input_paths import at, resource_path, responsibility_path
from group_gateway.groups.writing.input_validation import (
    member_type_issues,
    new_member_issues,
    responsibility_type_issues,
)
from group_gateway.groups.writing.member_index import (
    MemberIndex,
    changeable_entries,
    malformed,
    matches,
    member_key,
    members_of,
)
from group_gateway.groups.writing.merging import Malformed, described, holds, merged

Elements = dict[str, Any]
_REASONS = "the upstream did not store it so, or somebody has changed it since"
_MEMBERSHIP = ("member", "type", "actual")
"""Elements that decide together who may be a member."""


class Change:
    """A change of one group.

    `rebases`: it does not depend on the current state and can be applied again after a conflict.
    `deletes`: it deletes the group instead of changing elements. `names` are the top-level elements
    that it changes. `id_name` is the input field that names the group.
    """

    rebases = True
    deletes = False
    names: Collection[str] = ()
    id_name = "groupId"

    def apply(self, elements: Elements) -> list[Issue]:
        """Set and remove elements; return warnings. Raises Refused, with nothing changed.

        Values inside elements are never mutated: others still use them.
        """
        raise NotImplementedError

    def check(self, stored: Elements) -> list[Issue]:
        """Return a warning for each part that the upstream did not store."""
        raise NotImplementedError

    def fallback(self, stored: Elements, sent: Elements) -> "Change | None":  # noqa: ARG002 - hook
        """Return another change to the same end, if `sent` did not work with this upstream."""
        return None

    def located(self, issues: Sequence[Issue], sent: Elements) -> list[Issue]:  # noqa: ARG002 - hook
        """Return the upstream's issues about `sent` with the paths of the input."""
        return list(issues)


@dataclass(frozen=True)
class SetElements(Change):
    """Set elements to FHIR values, and remove those whose value is None.

    `base_url` is the upstream's: a member below it is the same as a relative one.
    """

    values: dict[str, Any]
    base_url: str = ""
    rebases = False
    id_name = "id"

    @property
    def names(self) -> Collection[str]:  # type: ignore[override]  # read-only here
        """See Change."""
        return self.values.keys()

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        issues = self._membership_issues(elements)
        if issues:
            raise Refused("The change is not valid.", issues=tuple(issues))
        changed = {name: self._new(elements, name) for name in self.values}
        for name, value in changed.items():
            description = described(elements.get(f"_{name}"), elements.get(name), value)
            _put(elements, f"_{name}", description)
            _put(elements, name, value)
        return []

    def _new(self, elements: Elements, name: str) -> Any:
        value = self.values[name]
        if value is None:
            return None
        try:
            if name == "member":
                return self._members(elements)
            return merged(GROUP[name], elements.get(name), value)
        except Malformed as problem:
            issue = malformed(str(problem.path[-1]), *problem.path)
            raise Refused("The change is not valid.", issues=(issue,)) from problem

    def _members(self, elements: Elements) -> list[Elements]:
        """Return the wanted members, each with what its old entry had beyond the input's fields."""
        entries = changeable_entries(elements, "member", "member")
        if not all(isinstance(entry, dict | None) for entry in entries):
            raise Malformed("member")
        index = MemberIndex(elements, self.base_url)
        wanted = self.values["member"]
        found = [index.current(member_key(member, self.base_url) or "") for member in wanted]
        present = {id(member) for member, entry in zip(wanted, found, strict=True) if entry}
        issues = new_member_issues(wanted, lambda m: id(m) in present, elements, "member")
        if issues:
            raise Refused("The change is not valid.", issues=tuple(issues))
        return [_merged_member(*pair) for pair in zip(found, wanted, strict=True)]

    def check(self, stored: Elements) -> list[Issue]:
        """See Change."""
        return [
            warning("incomplete", f"`{name}` was not stored as requested: {_REASONS}.", name)
            for name, value in self.values.items()
            if not (self._lists(stored) if name == "member" else holds(stored.get(name), value))
        ]

    def _lists(self, stored: Elements) -> bool:
        """Return whether the stored members are those wanted, in any order."""
        index = MemberIndex(stored, self.base_url)
        requested = self.values["member"] or []
        return len(members_of(stored)) == len(requested) and all(
            matches(index.current(member_key(member, self.base_url) or ""), member)
            for member in requested
        )

    def located(self, issues: Sequence[Issue], sent: Elements) -> list[Issue]:  # noqa: ARG002
        """See Change."""
        paths = map(resource_path, issues)
        return [
            at(issue, path) if path[:1] and path[0] in self.values else issue
            for issue, path in zip(issues, paths, strict=True)
        ]

    def _membership_issues(self, elements: Elements) -> list[Issue]:
        if "actual" in self.values and "membership" in elements:
            text = "The group has FHIR R5's `membership` in place of `actual`."
            return [error("not-supported", text, "actual")]
        said = [name for name in _MEMBERSHIP if name in self.values]
        issues = member_type_issues({**elements, **self.values}, "member") if said else []
        if issues and "member" not in said:  # the group's own members don't fit
            return [at(issues[0], (said[0],))]
        return issues


@dataclass(frozen=True)
class SetResponsibilities(Change):
    """Set exactly these responsibilities of a team; keep other characteristics."""

    codes: tuple[str, ...]
    names = ("characteristic",)

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        issues = responsibility_type_issues(elements)
        if issues:
            raise Refused("The change is not valid.", issues=tuple(issues))
        entries = changeable_entries(elements, "characteristic", "responsibilities")
        kept = [entry for entry in entries if _held(entry) in {None, *self.codes}]
        present = set(map(_held, kept))
        new = [responsibility(code) for code in self.codes if code not in present]
        if not kept + new:  # FHIR has no empty lists
            elements.pop("characteristic", None)
        elif new or len(kept) != len(entries):
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
        return [at(issue, responsibility_path(issue, self.codes)) for issue in issues]


@dataclass(frozen=True)
class DeleteGroup(Change):
    """Delete the group."""

    deletes = True
    id_name = "id"

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        raise AssertionError(elements)

    def check(self, stored: Elements) -> list[Issue]:  # noqa: ARG002 - it should not be there
        """See Change."""
        return [warning("incomplete", "The upstream still has the group.", "id")]


def _put(elements: Elements, name: str, value: Any) -> None:
    if value is None:
        elements.pop(name, None)
    else:
        elements[name] = value


def _held(characteristic: object) -> str | None:
    """Return the responsibility that a characteristic states and does not exclude."""
    if isinstance(characteristic, dict) and characteristic.get("exclude") is True:
        return None
    return responsibility_of(characteristic)


def _merged_member(entry: Elements | None, wanted: Elements) -> Elements:
    if entry is None:
        return wanted
    said = {**wanted, "entity": entry["entity"]}
    return merged(GROUP["member"], entry, said)  # type: ignore[no-any-return]
