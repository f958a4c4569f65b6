"""A watched list of groups: its filter, and what has changed in it. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.filters.filter_table import GroupFilter
from group_gateway.groups.watching.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class GroupList:
    """The groups that match a filter, of these ids if there are any."""

    wanted: GroupFilter
    ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class GroupChange:
    """A group of a list as it is now; None when it is gone or no longer in the list."""

    id: str
    group: GroupResource | None


Snapshots = dict[str, Snapshot]
"""Snapshots of the groups of a list, by their ids."""


def snapshots_of(groups: Iterable[GroupResource], before: Snapshots) -> Snapshots:
    """Return snapshots of the groups. Raise UpstreamInvalidResponse for an invalid one."""
    return {group.id: Snapshot.of(group, before.get(group.id)) for group in groups}


def changes_between(
    before: Snapshots, after: Snapshots, groups: Iterable[GroupResource]
) -> Iterator[GroupChange]:
    """Yield groups that are new or another version, and those that are gone."""
    for group in groups:
        known = before.get(group.id)
        if known is None or known.version != after[group.id].version:
            yield GroupChange(group.id, group)
    for id in before:
        if id not in after:
            yield GroupChange(id, None)
