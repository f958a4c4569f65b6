"""One watched group: its listeners, and the version that each last read."""

from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.watching.snapshot import Snapshot
from group_gateway.groups.watching.watch import Listener, Watch
from group_gateway.operation import Caller


class GroupListener(Listener):
    """A subscriber to a group; `version` is the last one that it read."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self.version: str | None = None


class GroupWatch(Watch[GroupListener, Snapshot]):
    """The listeners to a group, and a snapshot for each of their callers."""

    def notify(self) -> None:
        """Notify all listeners that the group may have changed."""
        for listener in self._listeners:
            listener.notify()

    def has_changed(self, caller: Caller, group: GroupResource | None) -> bool:
        """Record a poll for a caller; return whether its version is new."""
        before = self._seen.get(caller.scope)
        seen = self._seen[caller.scope] = Snapshot.of(group, before)
        return before is not None and before.version != seen.version

    def has_read(self, listener: GroupListener, group: GroupResource | None) -> bool:
        """Record what a listener read; return whether its version is new to it.

        Listeners of the same caller with another version are notified: the poll won't notice any
        more.
        """
        scope = listener.caller.scope
        seen = Snapshot.of(group, self._seen.get(scope))
        had, listener.version = listener.version, seen.version
        if listener in self._listeners:
            self._seen[scope] = seen
            for other in self._listeners:
                if other.caller.scope == scope and other.version not in {None, seen.version}:
                    other.notify()
        return had != seen.version
