"""Changes of a group's members. Pure; see `changes` for what a change is.

They mean the same on any state of the group, whoever else is editing it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from group_gateway.errors import Refused
from group_gateway.fhir.operation_outcome import Issue, information, warning
from group_gateway.groups.writing.changes import Change, Elements
from group_gateway.groups.writing.input_paths import Place, at, place_of
from group_gateway.groups.writing.input_validation import member_type_issues
from group_gateway.groups.writing.member_index import (
    MemberIndex,
    counting,
    is_active,
    member_key,
    members_of,
    says,
)
from group_gateway.groups.writing.merging import PERIOD, merged

_SMALL = re.compile("[0-9]{1,9}")


@dataclass(frozen=True)
class AddMembers(Change):
    """Adds members, FHIR values with a literal reference each, or brings them up to date."""

    members: tuple[Elements, ...]

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        issues = member_type_issues({**elements, "member": list(self.members)}, "members")
        if issues:
            raise Refused("The change is not valid.", issues=tuple(issues))
        member_index = MemberIndex(elements)
        remarks, added = [], []
        renewed: dict[int, Elements] = {}
        for index, member in enumerate(self.members):
            entries = member_index.find(_key(member))
            changes = _renewals(entries, member)
            renewed |= changes
            if not entries:
                added.append(member)
            elif not changes:
                remarks.append(information("duplicate", "Already a member.", "members", index))
        if added or renewed:
            elements["member"] = [*_exchanged(elements, renewed), *added]
        return remarks

    def check(self, stored: Elements) -> list[Issue]:
        """See Change."""
        member_index = MemberIndex(stored)
        return [
            warning("incomplete", text, "members", index)
            for index, member in enumerate(self.members)
            if (text := _missing(member_index.find(_key(member)), member))
        ]

    def located(self, issues: Sequence[Issue], sent: Elements) -> list[Issue]:
        """See Change."""
        index = {_key(member): str(i) for i, member in enumerate(self.members)}
        return [at(issue, _input_place(place_of(issue), sent, index)) for issue in issues]


@dataclass(frozen=True)
class RemoveMembers(Change):
    """Removes members, by the keys of their references, by leaving them out.

    Where that removes nothing it makes them inactive.
    """

    keys: tuple[str, ...]

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        member_index = MemberIndex(elements)
        gone = {id(entry) for key in self.keys for entry in member_index.find(key)}
        if gone:
            elements["member"] = [m for m in members_of(elements) if id(m) not in gone]
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
        return DeactivateMembers(self.keys) if kept else None

    def _active(self, elements: Elements) -> set[str]:
        member_index = MemberIndex(elements)
        return {key for key in self.keys if any(map(is_active, member_index.find(key)))}

    def _not_members(self, member_index: MemberIndex) -> list[Issue]:
        return [
            information("not-found", "Not a member.", "members", index)
            for index, key in enumerate(self.keys)
            if not member_index.find(key)
        ]


@dataclass(frozen=True)
class DeactivateMembers(RemoveMembers):
    """Makes members inactive: removal, for an upstream that keeps what a PUT leaves out."""

    def apply(self, elements: Elements) -> list[Issue]:
        """See Change."""
        member_index = MemberIndex(elements)
        remarks = self._not_members(member_index)
        ended: dict[int, Elements] = {}
        for index, key in enumerate(self.keys):
            entries = member_index.find(key)
            ended |= {
                id(entry): {**entry, "inactive": True} for entry in filter(is_active, entries)
            }
            if entries:
                text = "The upstream keeps former members: it is inactive now."
                remarks.append(information("informational", text, "members", index))
        if ended:
            elements["member"] = _exchanged(elements, ended)
        return remarks

    def fallback(self, stored: Elements, sent: Elements) -> Change | None:  # noqa: ARG002 - no other
        """See Change."""
        return None


def _exchanged(elements: Elements, renewed: dict[int, Elements]) -> list[Any]:
    return [renewed.get(id(member), member) for member in members_of(elements)]


def _renewals(entries: list[Elements], wanted: Elements) -> dict[int, Elements]:
    """Give the entries of a member that are to be others, by their identity.

    One entry says what is wanted; whose membership ends is active in no other one either.
    """
    others = {}
    if not is_active(wanted):
        others = {id(entry): _ended(entry) for entry in entries if is_active(entry)}
    if not entries or any(_updated(entry, wanted) == entry for entry in entries):
        return others
    entry = counting(entries)
    return others | {id(entry): _updated(entry, wanted)}


def _updated(entry: Elements, wanted: Elements) -> Elements:
    """Give a member's entry with the period and the flag that are wanted.

    Whoever is added without a word on `inactive` is to be active. The entity stays as it is: it is
    the same one, and the upstream may say more of it.
    """
    result = dict(entry)
    if "period" in wanted:
        result["period"] = merged("period", PERIOD, entry.get("period"), wanted["period"])
    if is_active(entry) != is_active(wanted):
        result["inactive"] = not is_active(wanted)
    return result


def _ended(entry: Elements) -> Elements:
    return {**entry, "inactive": True}


def _missing(entries: list[Elements], wanted: Elements) -> str | None:
    if not entries:
        return "It is no member: the upstream did not store it, or somebody has removed it since."
    contradicted = not is_active(wanted) and any(map(is_active, entries))
    if any(says(entry, wanted) for entry in entries) and not contradicted:
        return None
    return "The member is not as asked: the upstream did not store it so, or somebody changed it."


def _input_place(place: Place, sent: Elements, index: dict[str, str]) -> Place:
    """Give the place in the input of a place in the whole list of members that was sent."""
    members = members_of(sent)
    name, number, *rest = (*place, "", "")
    if name != "member" or not _SMALL.fullmatch(number) or int(number) >= len(members):
        return ()
    asked = index.get(_key(members[int(number)]))
    return () if asked is None else ("members", asked, *filter(None, rest))


def _key(member: Elements) -> str:
    return member_key(member) or ""
