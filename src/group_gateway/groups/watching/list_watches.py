"""All watched lists of groups: each is polled once, for all listeners in all replicas.

Writes through the gateway, by any replica, arrive at once. Other changes are found by reading the
list past the cache, with the listeners' credentials in turn. A poll only finds that something
changed: each listener then reads the list again as its own caller, and gets the difference.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from group_gateway.cache.invalidation_history import Tags
from group_gateway.cache.leases import Leases
from group_gateway.digests import DigestKeys
from group_gateway.errors import BadUserInput, Forbidden, GatewayError, Unauthenticated
from group_gateway.events import Events
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.group_reads import GroupReads
from group_gateway.groups.reading.invalidation import Invalidator
from group_gateway.groups.reading.relay_connection import Paging
from group_gateway.groups.watching.group_list import (
    GroupChange,
    GroupList,
    Snapshots,
    changes_between,
    snapshots_of,
)
from group_gateway.groups.watching.list_watch import ListListener, ListWatch
from group_gateway.groups.watching.watches import BeginOperation
from group_gateway.operation import Caller, Operation

MOST_GROUPS = 1000
"""Groups that a watched list may have."""
MOST_LIST_IDS = 200
"""Ids that may name a watched list: a poll may take as many reads."""
_POLL_CALLS = 25
_AT_ONCE = 2
"""Lists polled at once in a process: they must leave the upstream to requests."""
_LONGEST_PAUSE = 60.0
_SOON = 1.0
_TURN = 0.85
"""The part of an interval for which no other replica polls: less than a pause at its shortest."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ListEvent:
    """A change of a list, and the operation that was started for it."""

    operation: Operation
    root: GroupChange


class ListWatches:
    """Follow lists, and poll each every `interval` seconds.

    A poll takes `patience` seconds at most. `fresh` reads past the cache.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - who is asked, how often, and who is told
        self,
        reads: GroupReads,
        fresh: GroupReads,
        invalidator: Invalidator,
        events: Events,
        leases: Leases,
        keys: DigestKeys,
        *,
        interval: float,
        patience: float,
    ) -> None:
        self._reads = reads
        self._fresh = fresh
        self._invalidator = invalidator
        self._events = events
        self._leases = leases
        self._keys = keys
        self._interval = interval
        self._patience = patience
        self._watches: dict[GroupList, ListWatch] = {}
        self._polls: dict[GroupList, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)
        invalidator.listen(self._changed)

    async def follow(
        self, renew: BeginOperation, question: GroupList
    ) -> AsyncGenerator[ListEvent, None]:
        """Yield each change of a list from now on.

        Raises the errors of the first read; of later reads only those which mean that the caller
        may not see the list any more.
        """
        if question.ids is not None and len(question.ids) > MOST_LIST_IDS:
            raise BadUserInput(f"A list that is followed takes at most {MOST_LIST_IDS} ids.")
        operation = await renew()
        listener = ListListener(operation.caller)
        watch = self._join(question, listener)
        try:
            groups = await _groups(self._reads, operation, question)
            known = snapshots_of(groups, {})
            watch.expect(listener.caller, known)
            for id in [id for id in known if self._invalidator.tag_of(id) in listener.told]:
                del known[id]  # it may have been read before that change, or after it
            while True:
                async for event in self._differences(renew, known, groups):
                    yield event
                known = snapshots_of(groups, known)
                await listener.news()
                groups = await self._read_again(renew, question)
        finally:
            self._leave(watch, listener)

    async def aclose(self) -> None:
        """Stop polling."""
        polls = list(self._polls.values())
        for poll in polls:
            poll.cancel()
        if polls:
            await asyncio.wait(polls)

    async def _differences(
        self, renew: BeginOperation, known: Snapshots, groups: list[GroupResource]
    ) -> AsyncGenerator[ListEvent, None]:
        for change in changes_between(known, snapshots_of(groups, known), groups):
            operation = await renew()
            if change.group is not None and operation.audit_record is not None:
                operation.audit_record.read.add(change.id)
            yield ListEvent(operation, change)

    def _join(self, question: GroupList, listener: ListListener) -> ListWatch:
        watch = self._watches.get(question)
        if watch is None:
            tag_of, ids = self._invalidator.tag_of, question.ids
            tags = None if ids is None else frozenset(map(tag_of, ids))
            watch = self._watches[question] = ListWatch(question, tags)
            self._polls[question] = asyncio.create_task(self._poll(watch))
            self._events.watched_lists(len(self._watches))
        watch.add(listener)
        return watch

    def _leave(self, watch: ListWatch, listener: ListListener) -> None:
        watch.remove(listener)
        if not watch and self._watches.get(watch.question) is watch:
            del self._watches[watch.question]
            self._polls.pop(watch.question).cancel()
            self._events.watched_lists(len(self._watches))

    def _changed(self, tags: Tags) -> None:
        for watch in self._watches.values():
            watch.tell(tags)

    async def _read_again(self, renew: BeginOperation, question: GroupList) -> list[GroupResource]:
        """Read a list that may have changed, until the upstream responds."""
        pause = _SOON
        while True:
            try:
                return await _groups(self._reads, await renew(), question)
            except (BadUserInput, Forbidden, Unauthenticated):
                raise
            except GatewayError as failure:
                await _sleep_about(max(pause, failure.retry_after or 0.0))
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _poll(self, watch: ListWatch) -> None:
        pause = self._interval
        name = self._keys.digest("list", repr(watch.question))
        while True:
            await _sleep_about(pause)
            try:
                if await self._leases.claim(f"poll:{name}", _TURN * self._interval):
                    async with self._turns:
                        await self._look(watch)
            except GatewayError as failure:
                self._events.polled("failed")
                longest = max(self._interval, _LONGEST_PAUSE)
                pause = max(min(2 * pause, longest), failure.retry_after or 0.0)
            except Exception:  # noqa: BLE001 - it must not be the last poll
                _log.exception("A poll of a list was not expected to fail so.")
            else:
                pause = self._interval

    async def _look(self, watch: ListWatch) -> None:
        """Read a list once, past the cache, for the next caller who may. Raise GatewayError."""
        while (caller := watch.next_caller()) is not None:
            try:
                operation = self._poll_operation(caller, watch.question)
                groups = await _groups(self._fresh, operation, watch.question)
            except (Forbidden, Unauthenticated) as refusal:
                self._events.polled("refused")
                # First: the last listener that is notified cancels this poll.
                await self._invalidator.refused(caller)
                watch.refuse(caller, refusal)
                continue
            changed = watch.polled(caller, groups)
            self._events.polled("changed" if changed else "unchanged")
            for id in changed:
                await self._invalidator.invalidate(id)
            return

    def _poll_operation(self, caller: Caller, question: GroupList) -> Operation:
        deadline = asyncio.get_running_loop().time() + self._patience
        return Operation(caller, deadline, _POLL_CALLS + len(question.ids or ()))


async def _groups(
    reads: GroupReads, operation: Operation, question: GroupList
) -> list[GroupResource]:
    """Read a list. Raise BadUserInput when it has more groups than can be watched."""
    # If the upstream does not search by ids, each is a read.
    operation.calls_left = max(operation.calls_left, len(question.ids or ()))
    page = Paging(MOST_GROUPS, backward=False, cursor=None)
    connection = reads.connection(operation, question.wanted, page, question.ids)
    groups = [edge.node for edge in await connection.edges()]
    if len(groups) == MOST_GROUPS and (await connection.page_info()).has_next_page:
        raise BadUserInput(f"More than {MOST_GROUPS} groups fit. Narrow the filter.")
    return groups


async def _sleep_about(seconds: float) -> None:
    """Sleep for about this long: polls that started together must drift apart."""
    await asyncio.sleep(seconds * random.uniform(0.9, 1.1))  # noqa: S311 - no secret
