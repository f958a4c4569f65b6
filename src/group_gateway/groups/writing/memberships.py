"""Changes of a group's members. Pure; see `changes` for what a change is.

Their meaning does not depend on the group's state, so concurrent edits don't disturb them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from group_gateway.errors import Refused
from group_gateway.fhir.group_elements import DATA_TYPES
from group_gateway.fhir.operation_outcome import Issue, information, warning
from group_gateway.groups.writing.changes import Change, Elements
from group_gateway.groups.writing.input_paths import ElementPath, at, resource_path
from group_gateway.groups.writing.input_validation import (
    member_type_issues,
    new_member_issues,
    unknown_member_issues,
)
from group_gateway.groups.writing.member_index import (
    MemberIndex,
    changeable_entries,
    counting,
    is_active,
    malformed,
    matches,
    member_key,
    members_of,
)
from group_gateway.groups.writing.merging import Malformed, merged

_PERIOD = DATA_TYPES["GroupMember"]["period"]
_SMALL = re.compile("[0-9]{1,9}")


@dataclass(frozen=True)
class AddMembers(Change):
    """Add members, or update them: FHIR values that `member_key` identifies.

    `base_url` is the upstream's: a member below it is the same as a relative one.
    """

    members: tuple[Elements, ...]
    base_url: str = ""
    names = ("member",)

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        entries = changeable_entries(elements, "member", "members")
        member_index = MemberIndex(elements, self.base_url)
        issues = [
            *member_type_issues({**elements, "member": list(self.members)}, "members"),
            *new_member_issues(
                self.members,
                lambda member: bool(member_index.find(self._key(member))),
                elements,
                "members",
            ),
        ]
        if issues:
            raise Refused("The change is not valid.", issues=tuple(issues))
        issues, added = [], []
        renewed: dict[int, Elements] = {}
        for index, member in enumerate(self.members):
            found = member_index.find(self._key(member))
            changes = _renewals(found, member, index)
            renewed |= changes
            if not found:
                added.append(member)
            elif not changes:
                issues.append(information("duplicate", "Already a member.", "members", index))
        if added or renewed:
            elements["member"] = [*_exchanged(entries, renewed), *added]
        return issues

    def check(self, stored: Elements) -> list[Issue]:
        """See Change."""
        member_index = MemberIndex(stored, self.base_url)
        return [
            warning("incomplete", text, "members", index)
            for index, member in enumerate(self.members)
            if (text := _missing(member_index.find(self._key(member)), member))
        ]

    def located(self, issues: Sequence[Issue], sent: Elements) -> list[Issue]:
        """See Change."""
        index = {self._key(member): str(i) for i, member in enumerate(self.members)}
        keys = [self._key(member) for member in members_of(sent)]
        return [at(issue, _input_path(resource_path(issue), keys, index)) for issue in issues]

    def _key(self, member: Elements) -> str:
        return member_key(member, self.base_url) or ""


@dataclass(frozen=True)
class RemoveMembers(Change):
    """Remove members, by their keys, by omitting them.

    If that removes nothing, make them inactive.
    """

    keys: tuple[str, ...]
    base_url: str = ""
    names = ("member",)

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        entries = changeable_entries(elements, "member", "members")
        member_index = self._index(elements)
        gone = {id(entry) for key in self.keys for entry in member_index.find(key)}
        if gone:
            elements["member"] = [entry for entry in entries if id(entry) not in gone]
        return self._not_members(member_index)

    def check(self, stored: Elements) -> list[Issue]:
        """See Change."""
        left = self._active(stored)
        return [
            warning(
                "incomplete",
                "It is still a member, or somebody has added it again.",
                "members",
                index,
            )
            for index, key in enumerate(self.keys)
            if key in left
        ]

    def fallback(self, stored: Elements, sent: Elements) -> Change | None:
        """See Change."""
        kept = self._active(stored) - self._active(sent)
        return DeactivateMembers(self.keys, self.base_url) if kept else None

    def _index(self, elements: Elements) -> MemberIndex:
        member_index = MemberIndex(elements, self.base_url)
        issues = unknown_member_issues(
            self.keys, lambda key: bool(member_index.find(key)), "members"
        )
        if issues:
            raise Refused("The change is not valid.", issues=tuple(issues))
        return member_index

    def _active(self, elements: Elements) -> set[str]:
        member_index = MemberIndex(elements, self.base_url)
        return {key for key in self.keys if any(map(is_active, member_index.find(key)))}

    def _not_members(self, member_index: MemberIndex) -> list[Issue]:
        return [
            information("not-found", "Not a member.", "members", index)
            for index, key in enumerate(self.keys)
            if not member_index.find(key)
        ]


@dataclass(frozen=True)
class DeactivateMembers(RemoveMembers):
    """Make members inactive: the removal for an upstream that keeps omitted members."""

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        entries = changeable_entries(elements, "member", "members")
        member_index = self._index(elements)
        issues = self._not_members(member_index)
        ended: dict[int, Elements] = {}
        for index, key in enumerate(self.keys):
            found = member_index.find(key)
            ended |= {id(entry): _with_activity(entry, active=False) for entry in found}
            if found:
                text = "The upstream keeps former members: it is inactive now."
                issues.append(information("informational", text, "members", index))
        if ended:
            elements["member"] = _exchanged(entries, ended)
        return issues

    def fallback(self, stored: Elements, sent: Elements) -> Change | None:  # noqa: ARG002 - no other
        """See Change."""
        return None


def _exchanged(entries: list[Any], renewed: dict[int, Elements]) -> list[Any]:
    return [renewed.get(id(entry), entry) for entry in entries]


def _renewals(entries: list[Elements], wanted: Elements, index: int) -> dict[int, Elements]:
    """Return the changed entries of members, by their identity.

    One entry holds the wanted values. A member whose membership ends is active in no other entry
    either. Raises Refused.
    """
    others = {}
    if not is_active(wanted):
        others = {
            id(entry): _with_activity(entry, active=False) for entry in entries if is_active(entry)
        }
    if not entries:
        return others
    try:
        if any(_updated(entry, wanted) == entry for entry in entries):
            return others
        entry = counting(entries)
        return others | {id(entry): _updated(entry, wanted)}
    except Malformed as problem:
        issue = malformed(str(problem.path[-1]), "members", index, *problem.path)
        raise Refused("The change is not valid.", issues=(issue,)) from problem


def _updated(entry: Elements, wanted: Elements) -> Elements:
    """Return a member's entry with the wanted period and flag.

    A member that is added without `inactive` becomes active. The entity is kept: it has the same
    identity, and the upstream's may have more elements. Raises Malformed.
    """
    result = _with_activity(entry, active=is_active(wanted))
    if "period" in wanted:
        result["period"] = merged(_PERIOD, entry.get("period"), wanted["period"])
    return result


def _with_activity(entry: Elements, *, active: bool) -> Elements:
    """Return a copy of an entry with this `inactive`, without the `_inactive` of the old one."""
    if is_active(entry) == active:
        return dict(entry)
    return {k: v for k, v in entry.items() if k != "_inactive"} | {"inactive": not active}


def _missing(entries: list[Elements], wanted: Elements) -> str | None:
    if not entries:
        return "It is no member: the upstream did not store it, or somebody has removed it since."
    contradicted = not is_active(wanted) and any(map(is_active, entries))
    if any(matches(entry, wanted) for entry in entries) and not contradicted:
        return None
    return "The member differs from the request: it was not stored so, or somebody changed it."


def _input_path(path: ElementPath, keys: Sequence[str], index: dict[str, str]) -> ElementPath:
    """Return the path in the input for a path in the complete list of members that was sent."""
    name, number, *rest = (*path, "", "")
    if name != "member" or not _SMALL.fullmatch(number) or int(number) >= len(keys):
        return ()
    requested = index.get(keys[int(number)])
    return () if requested is None else ("members", requested, *filter(None, rest))
