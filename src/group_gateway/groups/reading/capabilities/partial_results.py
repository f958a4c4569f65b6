"""Which elements of groups an upstream omits from its search results.

FHIR servers tag incomplete resources (`SUBSETTED`), but some omit elements without a tag. Results
count as whole in what they have been seen to hold. When a search asks for an element that none of
them held, one group is read and compared, once for each upstream. A later read of an element that
no result held leads to another comparison with that group. Members are compared more often, because
they count most.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from group_gateway.fhir.group_elements import RESOURCE_ELEMENTS
from group_gateway.fhir.group_resource import UNREADABLE, GroupResource, NotAGroup
from group_gateway.groups.reading.capabilities.capability_probe import CapabilityProbe

MOST_SAMPLES = 10
"""Groups of one page that are read to find out whether a search omits members."""
_LONGEST_NOTED = 65_536
"""Bytes of a read in which elements are looked for that no result had."""
_MEMBER = "member"
_NOT_COMPARED = frozenset({"resourceType", "id"})


class _Shape(msgspec.Struct):
    member: Any = None
    quantity: Any = None
    characteristic: Any = None
    actual: Any = None


_shape = msgspec.json.Decoder(_Shape)
_top_level = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Doubts(NamedTuple):
    """The ids of a search's results that are `parts`, and of those that may be (`suspects`).

    `sample` is the id of a group to compare with a read of it.
    """

    parts: list[str]
    suspects: list[str]
    sample: str | None = None

    def samples(self, most: int) -> list[str]:
        """Return at most so many suspects, spread over the page."""
        most = min(most, MOST_SAMPLES)
        step = max(1, -(-len(self.suspects) // max(most, 1)))
        return self.suspects[::step] if most > 0 else []


@dataclass(slots=True)
class WholeResults:
    """What is known about the search results of one upstream.

    `members` is whether they have the members of groups, `elements` whether they have the rest;
    `omitted` are the elements that they lack. `shown` are those that they have been seen with,
    `unseen` the others, once a result was compared. `witnesses` maps elements that no result had to
    groups whose reads have them.
    """

    members: CapabilityProbe = field(default_factory=CapabilityProbe)
    elements: CapabilityProbe = field(default_factory=CapabilityProbe)
    omitted: frozenset[str] = frozenset()
    shown: set[str] = field(default_factory=set)
    unseen: tuple[tuple[str, bytes], ...] = ()
    witnesses: dict[str, str] = field(default_factory=dict)
    is_compared: bool = False

    def are_settled(self, asked: frozenset[str]) -> bool:
        """Return whether results are known to be whole in these elements."""
        return (
            not self.omitted
            and not self.witnesses
            and (self.is_compared or asked <= self.shown)
            and (_MEMBER not in asked or self.members.recently_proven)
        )

    def omit(self, asked: frozenset[str] = RESOURCE_ELEMENTS) -> bool:
        """Return whether results are known to lack any of these elements."""
        if self.omitted and self.elements.worth_trying:  # the upstream may have changed
            self.omitted, self.is_compared = frozenset(), False
        return not self.omitted.isdisjoint(asked)

    def doubts(self, groups: Sequence[GroupResource], asked: frozenset[str]) -> Doubts:
        """Return which groups of a search may be incomplete in the elements that are asked for.

        Learns that results are whole in what these have.
        """
        if self.omit(asked):
            return Doubts([group.id for group in groups], [])
        whole = [group for group in groups if not group.is_part]
        parts = [group.id for group in groups if group.is_part]
        suspects = self._without_members(whole) if _MEMBER in asked else []
        return Doubts(parts, suspects, None if suspects else self._sample(whole, asked))

    def compare(self, result: GroupResource, read: GroupResource | None) -> None:
        """Learn from a search result and a read of the same group; None if it can't be read."""
        self.is_compared = True
        witnessed = [name for name, id in self.witnesses.items() if id == result.id]
        for name in witnessed:
            del self.witnesses[name]
        self.shown.update(witnessed, _names(result))
        self.unseen = tuple((name, f'"{name}"'.encode()) for name in RESOURCE_ELEMENTS - self.shown)
        omitted = frozenset() if read is None else omitted_elements(result, read)
        if omitted:
            self.omitted |= omitted
            self.elements.learn(works=False)

    def note(self, read: GroupResource) -> None:
        """Remember a read with elements that no result had."""
        if self.omitted or len(read.raw) > _LONGEST_NOTED:
            return
        for name, quoted in self.unseen:
            if quoted in read.raw and name in _names(read):
                self.witnesses[name] = read.id

    def _without_members(self, groups: Sequence[GroupResource]) -> list[str]:
        if self.members.recently_proven:
            return []
        suspects: list[str] = []
        for group in groups:
            lacks = _may_lack_members(group)
            if lacks is False:
                self.members.learn(works=True)
                return []
            if lacks:
                suspects.append(group.id)
        return suspects

    def _sample(self, groups: Sequence[GroupResource], asked: frozenset[str]) -> str | None:
        """Return the group to compare, if there is one that may show an omission."""
        ids = {group.id for group in groups}
        for name, id in self.witnesses.items():
            if name in asked and id in ids:
                return id
        if not groups or self.is_compared:
            return None
        for group in groups:
            if asked <= self.shown:
                return None
            self.shown.update(_names(group))
        return None if asked <= self.shown else groups[0].id


def _names(group: GroupResource) -> Iterator[str]:
    """Yield the names of the elements that a group has."""
    try:
        elements = _top_level.decode(group.raw)
    except UNREADABLE:
        return
    for name, value in elements.items():
        if bytes(value) not in {b"null", b"[]", b"{}"}:
            yield name.removeprefix("_")


def _may_lack_members(group: GroupResource) -> bool | None:
    """Return whether members may be omitted from a group; None when it has none."""
    try:
        shape = _shape.decode(group.raw)
    except UNREADABLE:
        return None
    shown = len(shape.member) if isinstance(shape.member, list) else 0
    counted = shape.quantity if type(shape.quantity) is int else None
    if shown:
        return counted is not None and counted > shown
    is_described = shape.actual is False and bool(shape.characteristic)
    return None if counted == 0 or is_described else True


def omitted_elements(result: GroupResource, read: GroupResource) -> frozenset[str]:
    """Return the elements that a search result lacks, in whole or in part, and a read has."""
    try:
        ours, theirs = result.elements, read.elements
    except NotAGroup:
        return frozenset()
    if _version(ours) != _version(theirs) and _version(ours) is not None:
        return frozenset()  # it was changed in between
    try:
        return frozenset(
            name.removeprefix("_")
            for name, value in theirs.items()
            if name not in _NOT_COMPARED and _lacks(ours.get(name), value)
        )
    except RecursionError:
        return frozenset()


def _lacks(ours: object, theirs: object) -> bool:
    is_shorter = isinstance(theirs, list) and len(theirs) > (
        len(ours) if isinstance(ours, list) else 0
    )
    return is_shorter or not _paths(theirs) <= _paths(ours)


def _paths(value: object) -> set[tuple[str, ...]]:
    """Return the paths to the values inside a value; all entries of a list count as one."""
    if isinstance(value, dict):
        return {(key, *path) for key, inner in value.items() for path in _paths(inner)}
    if isinstance(value, list):
        return {path for inner in value for path in _paths(inner)}
    return set() if value is None else {()}


def _version(elements: dict[str, Any]) -> object:
    meta = elements.get("meta")
    return meta.get("versionId") if isinstance(meta, dict) else None
