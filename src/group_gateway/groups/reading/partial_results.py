"""Whether search results are whole groups, or lack elements.

FHIR servers tag incomplete resources (`SUBSETTED`), but some omit members without a tag. A server's
results count as whole once one of them had members. Until then some groups without members on each
page are read and compared. A server that omitted something is not trusted again.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from group_gateway.fhir.group_resource import UNREADABLE, GroupResource, NotAGroup
from group_gateway.groups.reading.capability_probe import CapabilityProbe

MOST_SAMPLES = 10
"""Groups of one page that are read to find out whether a search omits elements."""
_INCIDENTAL = frozenset({"meta"})
"""Elements whose absence from a search result says nothing."""


class _Shape(msgspec.Struct):
    member: Any = None
    quantity: Any = None
    characteristic: Any = None
    actual: Any = None


_shape = msgspec.json.Decoder(_Shape)


class Doubts(NamedTuple):
    """The ids of a search's results that are `parts`, and of those that may be (`suspects`)."""

    parts: list[str]
    suspects: list[str]

    def samples(self, most: int) -> list[str]:
        """Return at most so many suspects, spread over the page."""
        most = min(most, MOST_SAMPLES)
        step = max(1, -(-len(self.suspects) // max(most, 1)))
        return self.suspects[::step] if most > 0 else []


def doubts_about(groups: Sequence[GroupResource], whole_results: CapabilityProbe) -> Doubts:
    """Return which groups of a search may be incomplete.

    Learns that searches return whole groups when one of these has its members.
    """
    if not whole_results.worth_trying:
        return Doubts([group.id for group in groups], [])
    parts = [group.id for group in groups if group.is_part]
    suspects: list[str] = []
    if not whole_results.recently_proven:
        for group in groups:
            lacks = None if group.is_part else _may_lack_members(group)
            if lacks is False:
                whole_results.learn(works=True)
                return Doubts(parts, [])
            if lacks:
                suspects.append(group.id)
    return Doubts(parts, suspects)


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


def lacks_elements(shown: GroupResource, read: GroupResource) -> bool:
    """Return whether a search result lacks what a read of the same state has."""
    try:
        ours, theirs = shown.elements, read.elements
    except NotAGroup:
        return False
    if _version(ours) != _version(theirs) and _version(ours) is not None:
        return False  # it was changed in between
    if theirs.keys() - ours.keys() - _INCIDENTAL:
        return True
    return _length(theirs.get("member")) > _length(ours.get("member"))


def _version(elements: dict[str, Any]) -> object:
    meta = elements.get("meta")
    return meta.get("versionId") if isinstance(meta, dict) else None


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0
