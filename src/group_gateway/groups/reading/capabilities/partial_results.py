"""Which elements of groups an upstream omits from its search results.

FHIR servers tag incomplete resources (`SUBSETTED`), but some omit elements without a tag. Results
count as whole in what they have been seen to hold. When a search asks for an element that none of
them held, its groups are read and compared, up to a number of groups for each upstream. A later
read of an element that no result held leads to another comparison with that group. Members are
compared more often, because they count most.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from group_gateway.fhir.group_elements import RESOURCE_ELEMENTS
from group_gateway.fhir.group_resource import UNREADABLE, GroupResource, NotAGroup
from group_gateway.groups.reading.capabilities.capability_probe import CapabilityProbe

MOST_SAMPLES = 10
"""Groups of one page that are read to find out whether a search omits members."""
MOST_COMPARED = 6
"""Groups of one upstream that are read because results lack another element."""
_RESERVED = 20
"""Upstream calls of an operation that all comparisons but the first leave."""
_LONGEST_NOTED = 65_536
"""Bytes of a read in which elements are looked for that no result had."""
_MEMBER = "member"
_COUNTED: Final = "counted"
_SET_BY_SERVERS = frozenset({"versionId", "lastUpdated"})
_NOT_COMPARED = frozenset({"resourceType", "id"})


class _Shape(msgspec.Struct):
    member: Any = None
    quantity: Any = None
    characteristic: Any = None
    actual: Any = None


_shape = msgspec.json.Decoder(_Shape)
_top_level = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Doubts(NamedTuple):
    """The ids of a search's results that lack elements, or may lack some.

    `subsetted` are tagged so, or come from a server that omits elements of search results.
    `suspects` may lack members. `samples` are to be compared with reads of them.
    """

    subsetted: list[str]
    suspects: list[str]
    samples: list[str]


@dataclass(slots=True)
class WholeResults:
    """What is known about the search results of one upstream.

    `members` is whether they have the members of groups, `elements` whether they have the rest;
    `omitted` are the elements that they lack. `shown` are those that they have been seen with,
    `unseen` the others, once a result was compared. `witnesses` maps elements that no result had to
    groups whose reads have them. `compared` are the ids of the groups that were compared.
    """

    members: CapabilityProbe = field(default_factory=CapabilityProbe)
    elements: CapabilityProbe = field(default_factory=CapabilityProbe)
    omitted: frozenset[str] = frozenset()
    shown: set[str] = field(default_factory=set)
    unseen: tuple[tuple[str, bytes], ...] = ()
    witnesses: dict[str, str] = field(default_factory=dict)
    compared: set[str] = field(default_factory=set)

    @property
    def is_compared(self) -> bool:
        """Whether so many groups were compared that no others are read for it."""
        return len(self.compared) >= MOST_COMPARED

    def are_settled(self, asked: frozenset[str]) -> bool:
        """Return whether results are known to be whole in these elements."""
        return (
            not self.omitted
            and not self.witnesses
            and (self.is_compared or asked <= self.shown)
            and (_MEMBER not in asked or self.members.recently_proven)
        )

    def omit(self, asked: frozenset[str] = RESOURCE_ELEMENTS) -> bool:
        """Return whether results are known to lack any of these elements.

        Whoever asks for all elements also asks for those that FHIR R4 lacks.
        """
        if self.omitted and self.elements.worth_trying:  # the upstream may have changed
            self.omitted = frozenset()
            self.compared.clear()
        return not self.omitted.isdisjoint(asked) or (
            bool(self.omitted) and asked >= RESOURCE_ELEMENTS
        )

    def doubts(
        self, groups: Sequence[GroupResource], asked: frozenset[str], calls_left: int
    ) -> Doubts:
        """Return which groups of a search may be incomplete in the elements that are asked for.

        Learns that results are whole in what these have. The samples leave most of the upstream
        calls that are left.
        """
        if self.omit(asked):
            return Doubts([group.id for group in groups], [], [])
        whole = [group for group in groups if not group.is_subsetted]
        subsetted = [group.id for group in groups if group.is_subsetted]
        suspects = self._without_members(whole) if _MEMBER in asked else []
        samples = [] if suspects else self._samples(whole, asked)
        is_next = not self.compared or bool(self.witnesses)
        most = max(min(calls_left - 1, is_next), (calls_left - _RESERVED) // 2)
        return Doubts(subsetted, suspects, spread(samples, most))

    def compare(self, result: GroupResource, read: GroupResource | None) -> None:
        """Learn from a search result and a read of the same group; None if it can't be read."""
        self.compared.add(result.id)
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
        if len(read.raw) > _LONGEST_NOTED:
            return
        for name, quoted in self.unseen:
            if quoted in read.raw and name not in self.omitted and name in _names(read):
                self.witnesses[name] = read.id

    def _without_members(self, groups: Sequence[GroupResource]) -> list[str]:
        """Return the ids of the groups that may lack members.

        As soon as one group shows all of its members, others are trusted, unless their own count
        contradicts.
        """
        if self.members.recently_proven:
            return []
        lacking = {group.id: _may_lack_members(group) for group in groups}
        if False not in lacking.values():
            return [id for id, lacks in lacking.items() if lacks]
        self.members.learn(works=True)
        return [id for id, lacks in lacking.items() if lacks is _COUNTED]

    def _samples(self, groups: Sequence[GroupResource], asked: frozenset[str]) -> list[str]:
        """Return the groups to compare, if there are some that may show an omission."""
        ids = [group.id for group in groups]
        for name, id in self.witnesses.items():
            if name in asked and id in ids:
                return [id]
        others = [] if self.is_compared else [id for id in ids if id not in self.compared]
        if not others:
            return []
        for group in groups:
            if asked <= self.shown:
                return []
            self.shown.update(_names(group))
        return [] if asked <= self.shown else spread(others, MOST_COMPARED - len(self.compared))


def spread(ids: list[str], most: int) -> list[str]:
    """Return at most so many ids, evenly spread."""
    return ids[:: max(1, -(-len(ids) // most))] if most > 0 else []


def _names(group: GroupResource) -> Iterator[str]:
    """Yield the names of the elements that a group has; `meta` only if it may be complete."""
    try:
        elements = _top_level.decode(group.raw)
    except UNREADABLE:
        return
    for name, value in elements.items():
        is_empty = bytes(value) in {b"null", b"[]", b"{}"}
        if not is_empty and (name != "meta" or _is_rich(value)):
            yield name.removeprefix("_")


def _is_rich(meta: msgspec.Raw) -> bool:
    """Return whether `meta` has the time of the last change, and more than servers set."""
    try:
        names = _top_level.decode(meta).keys()
    except UNREADABLE:
        return False
    return "lastUpdated" in names and len(names - _SET_BY_SERVERS) > 0


def _may_lack_members(group: GroupResource) -> object:
    """Return whether members may be omitted from a group; None when it has none.

    The result is `_COUNTED` where the group's own count is higher than the number of its members.
    """
    try:
        shape = _shape.decode(group.raw)
    except UNREADABLE:
        return None
    shown = len(shape.member) if isinstance(shape.member, list) else 0
    counted = shape.quantity if type(shape.quantity) is int else None
    is_described = shape.actual is False and bool(shape.characteristic)
    if counted is not None and counted > shown and (shown or not is_described):
        return _COUNTED
    if shown:
        return False
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
