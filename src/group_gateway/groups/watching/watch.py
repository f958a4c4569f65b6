"""One watched group: its listeners, and the version that each last read."""

import asyncio

from group_gateway.errors import GatewayError
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.watching.snapshot import Snapshot
from group_gateway.operation import Caller


class Listener:
    """A subscriber to a group; `version` is the last one that it read.

    News are a flag, not a queue: a late reader gets the newest state only.
    """

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.version: str | None = None
        self._news = asyncio.Event()
        self._refusal: GatewayError | None = None

    def tell(self) -> None:
        """Record that the group may have changed."""
        self._news.set()

    def refuse(self, refusal: GatewayError) -> None:
        """Record that the upstream no longer shows the group to this caller."""
        self._refusal = refusal
        self._news.set()

    async def news(self) -> None:
        """Wait until there is something to read; raise the refusal if there was one."""
        await self._news.wait()
        self._news.clear()
        if self._refusal is not None:
            raise self._refusal


class Watch:
    """The listeners of a group, and a snapshot per caller: callers may see different things."""

    def __init__(self) -> None:
        self._listeners: dict[Listener, None] = {}
        self._sights: dict[str, Snapshot] = {}

    def __bool__(self) -> bool:
        """Return whether anybody listens."""
        return bool(self._listeners)

    def add(self, listener: Listener) -> None:
        """Add a listener."""
        self._listeners[listener] = None

    def remove(self, listener: Listener) -> None:
        """Remove a listener, with the snapshot of a caller without another one."""
        self._listeners.pop(listener, None)
        scope = listener.caller.scope
        if all(other.caller.scope != scope for other in self._listeners):
            self._sights.pop(scope, None)

    def next_caller(self) -> Caller | None:
        """Return the caller to poll for: round robin. None when nobody listens."""
        listener = next(iter(self._listeners), None)
        if listener is None:
            return None
        del self._listeners[listener]
        self._listeners[listener] = None
        return listener.caller

    def tell(self) -> None:
        """Notify all listeners that the group may have changed."""
        for listener in self._listeners:
            listener.tell()

    def refuse(self, caller: Caller, refusal: GatewayError) -> None:
        """Remove and notify the listeners of a caller whom the upstream refused."""
        for listener in [each for each in self._listeners if each.caller.scope == caller.scope]:
            self.remove(listener)
            listener.refuse(refusal)

    def has_changed(self, caller: Caller, group: GroupResource | None) -> bool:
        """Record a poll for a caller; return whether its version is new."""
        before = self._sights.get(caller.scope)
        seen = self._sights[caller.scope] = Snapshot.of(group, before)
        return before is not None and before.version != seen.version

    def has_read(self, listener: Listener, group: GroupResource | None) -> bool:
        """Record what a listener read; return whether its version is new to it.

        Listeners of the same caller with another version are notified: the poll won't notice any
        more.
        """
        scope = listener.caller.scope
        seen = Snapshot.of(group, self._sights.get(scope))
        had, listener.version = listener.version, seen.version
        if listener in self._listeners:
            self._sights[scope] = seen
            for other in self._listeners:
                if other.caller.scope == scope and other.version not in {None, seen.version}:
                    other.tell()
        return had != seen.version
