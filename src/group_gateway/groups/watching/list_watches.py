"""All watched lists of groups: each is polled once, for all listeners in all replicas.

Writes through the gateway, by any replica, arrive at once. Other changes are found by reading the
list past the cache, with the listeners' credentials in turn. A poll only finds that something
changed: each listener then reads the list again as its own caller, and gets the difference.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from functools import partial

from group_gateway.cache.invalidation_history import Tags
from group_gateway.digests import DigestKeys
from group_gateway.errors import BadUserInput
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.connections.relay_connection import Paging
from group_gateway.groups.reading.group_reads import GroupReads
from group_gateway.groups.watching.group_list import (
    GroupChange,
    GroupList,
    Snapshots,
    changes_between,
    snapshots_of,
)
from group_gateway.groups.watching.group_watches import BeginOperation
from group_gateway.groups.watching.list_watch import ListListener, ListWatch
from group_gateway.groups.watching.poller import Poller, Polling, once_accepted, until_answered
from group_gateway.operation import Caller, Operation

MOST_GROUPS = 1000
"""Groups that a watched list may have."""
MOST_LIST_IDS = 200
"""Ids that may name a watched list: a poll may take as many reads."""
_POLL_CALLS = 25
_AT_ONCE = 2
"""Lists polled at once in a process: they must leave the upstream to requests."""


@dataclass(frozen=True, slots=True)
class ListEvent:
    """A change of a list, and the operation that was started for it."""

    operation: Operation
    root: GroupChange


class ListWatches:
    """Follow lists, and poll each for all who follow it. `fresh` reads past the cache."""

    def __init__(
        self, reads: GroupReads, fresh: GroupReads, keys: DigestKeys, polling: Polling
    ) -> None:
        self._reads = reads
        self._fresh = fresh
        self._keys = keys
        self._invalidator = polling.invalidator
        self._timeout = polling.timeout
        self._poller: Poller[GroupList, ListWatch] = Poller(
            polling, polling.events.watched_lists, at_once=_AT_ONCE
        )
        polling.invalidator.listen(self._changed)

    async def follow(
        self, begin: BeginOperation, group_list: GroupList
    ) -> AsyncGenerator[ListEvent, None]:
        """Yield each change of a list from now on.

        Raises the errors of the first read; of later reads only those which mean that the caller
        may not see the list any more.
        """
        if group_list.ids is not None and len(group_list.ids) > MOST_LIST_IDS:
            raise BadUserInput(f"A list that is followed takes at most {MOST_LIST_IDS} ids.")
        operation = await begin()
        listener = ListListener(operation.caller)
        watch = self._join(group_list, listener)
        try:
            groups = await _groups(self._reads, operation, group_list)
            known = snapshots_of(groups, {})
            watch.expect(listener.caller, known)
            for id in [id for id in known if self._invalidator.tag_of(id) in listener.changed]:
                del known[id]  # it may have been read before that change, or after it
            while True:
                async for event in self._differences(begin, known, groups):
                    yield event
                known = snapshots_of(groups, known)
                with once_accepted():
                    await listener.news()
                    groups = await until_answered(partial(self._read, begin, group_list))
        finally:
            watch.remove(listener)
            self._poller.stop_idle(group_list, watch)

    async def aclose(self) -> None:
        """Stop polling."""
        await self._poller.aclose()

    async def _differences(
        self, begin: BeginOperation, known: Snapshots, groups: list[GroupResource]
    ) -> AsyncGenerator[ListEvent, None]:
        for change in changes_between(known, snapshots_of(groups, known), groups):
            operation = await begin()
            if change.group is not None:
                operation.record_read((change.id,))
            yield ListEvent(operation, change)

    def _join(self, group_list: GroupList, listener: ListListener) -> ListWatch:
        watch = self._poller.get(group_list)
        if watch is None:
            tag_of, ids = self._invalidator.tag_of, group_list.ids
            tags = None if ids is None else frozenset(map(tag_of, ids))
            watch = ListWatch(group_list, tags)
            name = self._keys.digest("list", repr(group_list))
            self._poller.start(group_list, watch, partial(self._look, watch), lease=name)
        watch.add(listener)
        return watch

    def _changed(self, tags: Tags) -> None:
        for watch in self._poller:
            watch.notify_of(tags)

    async def _read(self, begin: BeginOperation, group_list: GroupList) -> list[GroupResource]:
        return await _groups(self._reads, await begin(), group_list)

    async def _look(self, watch: ListWatch, caller: Caller) -> Collection[str]:
        deadline = asyncio.get_running_loop().time() + self._timeout
        calls = _POLL_CALLS + len(watch.group_list.ids or ())
        operation = Operation(caller, deadline, calls)
        return watch.polled(caller, await _groups(self._fresh, operation, watch.group_list))


async def _groups(
    reads: GroupReads, operation: Operation, group_list: GroupList
) -> list[GroupResource]:
    """Read a list. Raise BadUserInput when it has more groups than can be watched."""
    # If the upstream does not search by ids, each is a read.
    operation.calls_left = max(operation.calls_left, len(group_list.ids or ()))
    page = Paging(MOST_GROUPS, backward=False, cursor=None)
    connection = reads.connection(operation, group_list.wanted, page, group_list.ids)
    groups = [edge.node for edge in await connection.edges()]
    if len(groups) == MOST_GROUPS and (await connection.page_info()).has_next_page:
        raise BadUserInput(f"More than {MOST_GROUPS} groups fit. Narrow the filter.")
    return groups
