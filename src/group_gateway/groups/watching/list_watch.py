"""One watched list: its listeners, and what each caller's last poll found."""

from collections.abc import Sequence

from group_gateway.cache.invalidation_history import Tags
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.watching.group_list import (
    GroupList,
    Snapshots,
    changes_between,
    snapshots_of,
)
from group_gateway.groups.watching.watch import Listener, Watch
from group_gateway.operation import Caller


class ListListener(Listener):
    """A subscriber to a list; `changed` has the tags of the changes since its last read."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self.changed: set[str] = set()

    def notify_of(self, tags: Tags) -> None:
        """Record that groups may have changed; None stands for all."""
        self.changed.update(tags or ())
        self.notify()

    def forget(self) -> None:
        """Clear the changes before they are read."""
        super().forget()
        self.changed.clear()


class ListWatch(Watch[ListListener, Snapshots]):
    """The listeners to a list, and the last poll for each of their callers.

    `tags` are those of the groups that may be in it; None where any group may.
    """

    def __init__(self, group_list: GroupList, tags: frozenset[str] | None) -> None:
        super().__init__()
        self.group_list = group_list
        self._tags = tags

    def notify_of(self, tags: Tags) -> None:
        """Notify all listeners that groups may have changed, if one may be in the list."""
        if tags is None or self._tags is None or not self._tags.isdisjoint(tags):
            for listener in self._listeners:
                listener.notify_of(tags)

    def expect(self, caller: Caller, seen: Snapshots) -> None:
        """Compare the caller's first poll with what was read when it started to listen."""
        self._seen.setdefault(caller.scope, seen)

    def polled(self, caller: Caller, groups: Sequence[GroupResource]) -> list[str]:
        """Record a poll for a caller; return the ids of the changed groups."""
        before = self._seen.get(caller.scope, {})
        after = snapshots_of(groups, before)
        if caller.scope in self._seen:  # else its last listener has gone meanwhile
            self._seen[caller.scope] = after
        return [change.id for change in changes_between(before, after, groups)]
