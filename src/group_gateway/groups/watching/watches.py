"""All watched groups: each is polled once, for all listeners in all replicas.

Writes through the gateway, by any replica, arrive at once. Other changes are found by reading the
group periodically, with the listeners' credentials in turn. A poll only finds that something
changed: each listener then reads the group again as its own caller.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from group_gateway.cache.invalidation_history import Tags
from group_gateway.cache.leases import Leases
from group_gateway.errors import BadUserInput, Forbidden, GatewayError, Unauthenticated
from group_gateway.events import Events
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.group_reads import GroupReads, checked_id
from group_gateway.groups.reading.invalidation import Invalidator
from group_gateway.groups.watching.snapshot import GONE
from group_gateway.groups.watching.watch import Listener, Watch
from group_gateway.operation import Operation
from group_gateway.upstream.client import GroupClient

BeginOperation = Callable[[], Awaitable[Operation]]
"""Starts a further operation of the same caller, with its own time and budget."""

_AT_ONCE = 4
"""Polls in flight at once in a process: they must leave the upstream to requests."""
_LONGEST_PAUSE = 60.0
"""Limit in seconds of the pause after polls of a failing upstream, unless polls are rarer
anyway."""
_SOON = 1.0
_TURN = 0.85
"""The part of an interval for which no other replica polls: less than a pause at its shortest."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GroupEvent:
    """A group as a caller sees it now, None when it is gone, and the operation that read it."""

    operation: Operation
    group: GroupResource | None

    @property
    def root(self) -> GroupResource | None:
        """What the subscription's root field shows."""
        return self.group


class GroupWatches:
    """Follow groups, and poll each every `interval` seconds; a poll takes `patience` at most."""

    def __init__(  # noqa: PLR0913 - who is asked, how often, and who is told
        self,
        client: GroupClient,
        reads: GroupReads,
        invalidator: Invalidator,
        events: Events,
        leases: Leases,
        *,
        interval: float,
        patience: float,
    ) -> None:
        self._client = client
        self._reads = reads
        self._invalidator = invalidator
        self._events = events
        self._leases = leases
        self._interval = interval
        self._patience = patience
        self._watches: dict[str, Watch] = {}
        self._polls: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)
        invalidator.listen(self._changed)

    async def follow(
        self, renew: BeginOperation, id: str, since: str | None = None
    ) -> AsyncGenerator[GroupEvent, None]:
        """Yield the group at each new version; end when it is gone.

        With `since`, yield at once if that is no longer its version. Raises the errors of the first
        read; of later reads only those which mean that the caller may not see the group any more.
        """
        checked_id(id)
        operation = await renew()
        listener = Listener(operation.caller)
        tag = self._invalidator.tag_of(id)
        watch = self._join(id, tag, listener)
        try:
            group = await self._reads.get(operation, id)
            listener.version = since
            if watch.has_read(listener, group) and (since is not None or group is None):
                yield GroupEvent(operation, group)
            while listener.version != GONE:
                await listener.news()
                operation, group = await self._read_again(renew, id)
                if watch.has_read(listener, group):
                    yield GroupEvent(operation, group)
        finally:
            self._leave(tag, watch, listener)

    async def aclose(self) -> None:
        """Stop polling."""
        polls = list(self._polls.values())
        for poll in polls:
            poll.cancel()
        if polls:
            await asyncio.wait(polls)

    def _join(self, id: str, tag: str, listener: Listener) -> Watch:
        watch = self._watches.get(tag)
        if watch is None:
            watch = self._watches[tag] = Watch()
            self._polls[tag] = asyncio.create_task(self._poll(id, tag, watch))
            self._events.watched_groups(len(self._watches))
        watch.add(listener)
        return watch

    def _leave(self, tag: str, watch: Watch, listener: Listener) -> None:
        watch.remove(listener)
        if not watch and self._watches.get(tag) is watch:
            del self._watches[tag]
            self._polls.pop(tag).cancel()
            self._events.watched_groups(len(self._watches))

    def _changed(self, tags: Tags) -> None:
        for tag in self._watches if tags is None else tags:
            watch = self._watches.get(tag)
            if watch is not None:
                watch.tell()

    async def _read_again(
        self, renew: BeginOperation, id: str
    ) -> tuple[Operation, GroupResource | None]:
        """Read a group that may have changed, until the upstream responds."""
        pause = _SOON
        while True:
            try:
                operation = await renew()
                return operation, await self._reads.get(operation, id)
            except (BadUserInput, Forbidden, Unauthenticated):
                raise
            except GatewayError as failure:
                await _rest(max(pause, failure.retry_after or 0.0))
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _poll(self, id: str, tag: str, watch: Watch) -> None:
        pause = self._interval
        while True:
            await _rest(pause)
            try:
                if await self._leases.claim(f"poll:{tag}", _TURN * self._interval):
                    async with self._turns:
                        await self._look(id, watch)
            except GatewayError as failure:
                self._events.polled("failed")
                longest = max(self._interval, _LONGEST_PAUSE)
                pause = max(min(2 * pause, longest), failure.retry_after or 0.0)
            except Exception:  # noqa: BLE001 - it must not be the last poll
                _log.exception("A poll was not expected to fail so.")
            else:
                pause = self._interval

    async def _look(self, id: str, watch: Watch) -> None:
        """Read a group once, past the cache, for the next caller who may; raise GatewayError."""
        while (caller := watch.next_caller()) is not None:
            try:
                group = await self._client.read(caller, id, self._patience)
            except (Forbidden, Unauthenticated) as refusal:
                self._events.polled("refused")
                # First: the last listener that is notified cancels this poll.
                await self._invalidator.refused(caller)
                watch.refuse(caller, refusal)
                continue
            changed = watch.has_changed(caller, group)
            self._events.polled("changed" if changed else "unchanged")
            if changed:
                await self._invalidator.invalidate(id)
            return


async def _rest(seconds: float) -> None:
    """Sleep for about this long: polls that started together must drift apart."""
    await asyncio.sleep(seconds * random.uniform(0.9, 1.1))  # noqa: S311 - no secret
