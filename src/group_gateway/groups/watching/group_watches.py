"""All watched groups: each is polled once, however many listen, in however many replicas.

Writes through the gateway, by any replica, arrive at once. Other changes are found by polling the
group with the credentials of the listeners, in round robin. A poll finds only that something
changed: each listener then reads the group anew with its own credentials.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial

from group_gateway.cache.invalidation_history import Tags
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.group_reads import GroupReads
from group_gateway.groups.watching.group_watch import GroupListener, GroupWatch
from group_gateway.groups.watching.poller import Poller, Polling, once_accepted, until_answered
from group_gateway.groups.watching.snapshot import GONE
from group_gateway.logical_ids import checked_id
from group_gateway.operation import Caller, Operation
from group_gateway.upstream.client import GroupClient

BeginOperation = Callable[[], Awaitable[Operation]]
"""Begins a further operation of the same caller, with its own deadline and budget."""

_AT_ONCE = 4
"""Polls under way at once in a process: they must leave the upstream to requests."""


@dataclass(frozen=True, slots=True)
class GroupEvent:
    """A group as a caller sees it now, None when it is gone, and the operation that read it."""

    operation: Operation
    group: GroupResource | None

    @property
    def root(self) -> GroupResource | None:
        """The value of the subscription's root field."""
        return self.group


class GroupWatches:
    """Follow groups, and poll each for all who follow it."""

    def __init__(self, client: GroupClient, reads: GroupReads, polling: Polling) -> None:
        self._client = client
        self._reads = reads
        self._invalidator = polling.invalidator
        self._timeout = polling.timeout
        self._poller: Poller[str, GroupWatch] = Poller(
            polling, polling.events.watched_groups, at_once=_AT_ONCE
        )
        polling.invalidator.listen(self._changed)

    async def follow(
        self, begin: BeginOperation, id: str, since: str | None = None
    ) -> AsyncGenerator[GroupEvent, None]:
        """Yield the group at each new version; end when it is gone.

        With `since`, yield at once if that is no longer its version. Raises the errors of the first
        read; of later reads only those which mean that the caller may not see the group any more.
        """
        checked_id(id)
        operation = await begin()
        listener = GroupListener(operation.caller)
        tag = self._invalidator.tag_of(id)
        watch = self._join(id, tag, listener)
        try:
            group = await self._reads.get(operation, id)
            listener.version = since
            if watch.has_read(listener, group) and (since is not None or group is None):
                yield GroupEvent(operation, group)
            while listener.version != GONE:
                with once_accepted():
                    await listener.news()
                    event = await until_answered(partial(self._read, begin, id))
                if watch.has_read(listener, event.group):
                    yield event
        finally:
            watch.remove(listener)
            self._poller.stop_idle(tag, watch)

    async def aclose(self) -> None:
        """Stop polling."""
        await self._poller.aclose()

    def _join(self, id: str, tag: str, listener: GroupListener) -> GroupWatch:
        watch = self._poller.get(tag)
        if watch is None:
            watch = GroupWatch()
            self._poller.start(tag, watch, partial(self._look, id, watch), lease=tag)
        watch.add(listener)
        return watch

    def _changed(self, tags: Tags) -> None:
        for watch in self._poller if tags is None else map(self._poller.get, tags):
            if watch is not None:
                watch.notify()

    async def _read(self, begin: BeginOperation, id: str) -> GroupEvent:
        operation = await begin()
        return GroupEvent(operation, await self._reads.get(operation, id))

    async def _look(self, id: str, watch: GroupWatch, caller: Caller) -> Collection[str]:
        group = await self._client.read(caller, id, self._timeout)
        return [id] if watch.has_changed(caller, group) else []
