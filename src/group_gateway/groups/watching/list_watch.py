"""One watched list: its listeners, and each caller's last poll."""

import asyncio
from collections.abc import Sequence

from group_gateway.cache.invalidation_history import Tags
from group_gateway.errors import GatewayError
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.watching.group_list import (
    GroupList,
    Snapshots,
    changes_between,
    snapshots_of,
)
from group_gateway.operation import Caller


class ListListener:
    """A subscriber to a list.

    News are a flag and not a queue: a late reader gets the newest state. `told` are the tags of the
    changes since it started to listen, until it reads the list again.
    """

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.told: set[str] = set()
        self._news = asyncio.Event()
        self._refusal: GatewayError | None = None

    def tell(self, tags: Tags) -> None:
        """Record that groups may have changed; None stands for all."""
        self.told.update(tags or ())
        self._news.set()

    def refuse(self, refusal: GatewayError) -> None:
        """Record that the upstream no longer shows the list to this caller."""
        self._refusal = refusal
        self._news.set()

    async def news(self) -> None:
        """Wait until there is something to read. Raise the refusal if there was one."""
        await self._news.wait()
        self.forget()
        if self._refusal is not None:
            raise self._refusal

    def forget(self) -> None:
        """Drop the recorded changes: the list is about to be read."""
        self._news.clear()
        self.told.clear()


class ListWatch:
    """The listeners to a list, and the last poll for each of their callers.

    `tags` are those of the groups that may be in it; None where any group may.
    """

    def __init__(self, question: GroupList, tags: frozenset[str] | None) -> None:
        self.question = question
        self._tags = tags
        self._listeners: dict[ListListener, None] = {}
        self._polled: dict[str, Snapshots] = {}

    def __bool__(self) -> bool:
        """Return whether anybody listens."""
        return bool(self._listeners)

    def add(self, listener: ListListener) -> None:
        """Add a listener."""
        self._listeners[listener] = None

    def remove(self, listener: ListListener) -> None:
        """Remove a listener, and the last poll of a caller without another one."""
        self._listeners.pop(listener, None)
        scope = listener.caller.scope
        if all(other.caller.scope != scope for other in self._listeners):
            self._polled.pop(scope, None)

    def next_caller(self) -> Caller | None:
        """Return the caller to poll for: round robin. None when nobody listens."""
        listener = next(iter(self._listeners), None)
        if listener is None:
            return None
        del self._listeners[listener]
        self._listeners[listener] = None
        return listener.caller

    def tell(self, tags: Tags) -> None:
        """Notify all listeners that groups may have changed, if one may be in the list."""
        if tags is None or self._tags is None or not self._tags.isdisjoint(tags):
            for listener in self._listeners:
                listener.tell(tags)

    def refuse(self, caller: Caller, refusal: GatewayError) -> None:
        """Remove and notify the listeners of a caller whom the upstream refused."""
        for listener in [each for each in self._listeners if each.caller.scope == caller.scope]:
            self.remove(listener)
            listener.refuse(refusal)

    def expect(self, caller: Caller, seen: Snapshots) -> None:
        """Compare the caller's first poll with what was read when it started to listen."""
        self._polled.setdefault(caller.scope, seen)

    def polled(self, caller: Caller, groups: Sequence[GroupResource]) -> list[str]:
        """Record a poll for a caller; return the ids of the changed groups."""
        before = self._polled.get(caller.scope, {})
        after = snapshots_of(groups, before)
        if caller.scope in self._polled:  # else its last listener has gone meanwhile
            self._polled[caller.scope] = after
        return [change.id for change in changes_between(before, after, groups)]
