"""Load single groups by id: collected by caller within a tick, from cache or upstream.

A tick is one turn of the event loop. Loads of the fields of an operation, or of operations that
arrived together, go upstream together. No load waits for later ones.
"""

import asyncio

from group_gateway.cache.entries import Lookup, Slot
from group_gateway.cache.invalidation_history import Tags
from group_gateway.cache.store import CacheStore
from group_gateway.concurrency import BackgroundTasks
from group_gateway.errors import Forbidden, UpstreamTimeout
from group_gateway.groups.reading.capabilities.upstream_capabilities import UpstreamCapabilities
from group_gateway.groups.reading.loading.cache_slots import CacheSlots, unpack
from group_gateway.groups.reading.loading.group_fetcher import GroupFetcher, Lifetimes
from group_gateway.groups.reading.loading.group_load import Found, GroupLoad, Miss
from group_gateway.operation import Caller, Operation
from group_gateway.upstream.client import GroupClient


class GroupLoader:
    """Load groups for all callers of a process; two callers share nothing."""

    def __init__(
        self,
        client: GroupClient,
        cache: CacheStore,
        slots: CacheSlots,
        capabilities: UpstreamCapabilities,
        lifetimes: Lifetimes,
    ) -> None:
        self._fetcher = GroupFetcher(client, cache, capabilities, lifetimes)
        self._cache = cache
        self._results = capabilities.whole_results
        self._slots = slots
        self._pending: dict[tuple[str, str], GroupLoad] = {}
        self._ticks: dict[str, list[GroupLoad]] = {}
        self._tasks = BackgroundTasks()

    async def load(
        self, operation: Operation, id: str, *, exact: bool = True, alone: bool = False
    ) -> Found:
        """Return the group as this caller may see it, or None when there is none.

        Unless `exact`, a forbidden group may be None too. `alone` keeps it out of batched searches.
        """
        while True:
            pending = self._join(operation, id)
            pending.exact = pending.exact or exact
            pending.alone = pending.alone or alone
            try:
                return await pending.wait(operation)
            except UpstreamTimeout:
                if not pending.ran_out(operation):
                    raise

    async def find(self, operation: Operation, id: str, *, alone: bool = False) -> Found:
        """Return the group if this caller may see it, as a search would. May cost fewer calls."""
        try:
            return await self.load(operation, id, exact=False, alone=alone)
        except Forbidden:
            return None

    def forget(self, tags: Tags) -> None:
        """Exclude results from joining that may have left before an invalidation of these tags."""
        for key, pending in list(self._pending.items()):
            if pending.has_left and (tags is None or pending.tag in tags):
                del self._pending[key]

    def _join(self, operation: Operation, id: str) -> GroupLoad:
        key = (operation.caller.scope, id)
        pending = self._pending.get(key)
        if pending is None or pending.is_over or not self._may_join(pending):
            pending = self._pending[key] = GroupLoad(operation, id)
            self._enqueue(operation.caller, pending)
        elif operation not in pending.operations:
            pending.operations.append(operation)
        return pending

    def _may_join(self, pending: GroupLoad) -> bool:
        """Return whether a load sees all changes until now; if not, another one must be begun.

        One that has not left does. Two of the same group in one tick would be one to the fetcher.
        """
        return not pending.has_left or self._cache.may_join(pending.began)

    def _enqueue(self, caller: Caller, pending: GroupLoad) -> None:
        tick = self._ticks.get(caller.scope)
        if tick is None:
            tick = self._ticks[caller.scope] = []
            self._tasks.spawn(self._run(caller))  # begins in the next turn of the event loop
        tick.append(pending)

    async def _run(self, caller: Caller) -> None:
        tick = self._ticks.pop(caller.scope)
        try:
            misses = await self._look_up(caller, tick)
            if misses:
                await self._fetcher.fetch(caller, misses)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - handed to those who wait
            for pending in tick:
                pending.reject(error)
        finally:
            for pending in tick:
                if self._pending.get((caller.scope, pending.id)) is pending:
                    del self._pending[caller.scope, pending.id]

    async def _look_up(self, caller: Caller, tick: list[GroupLoad]) -> list[Miss]:
        slots = [self._slots.group(caller, pending.id) for pending in tick]
        for pending, slot in zip(tick, slots, strict=True):
            pending.tag = slot.tag
        lookups = await self._cache.lookup(slots)
        return [
            Miss(pending, slot, lookup)
            for pending, slot, lookup in zip(tick, slots, lookups, strict=True)
            if not self._resolve(pending, slot, lookup)
        ]

    def _resolve(self, pending: GroupLoad, slot: Slot, lookup: Lookup) -> bool:
        """Resolve a pending result from the cache; return whether it holds one."""
        if lookup.value is None:
            return False
        try:
            group = unpack(lookup.value)
        except ValueError:  # not a valid entry: read from the upstream
            return False
        if group and group.may_lack_elements and not self._is_whole_for(pending):
            return False
        pending.resolve(group, self._cache.dependency(slot, lookup, 0))
        return True

    def _is_whole_for(self, pending: GroupLoad) -> bool:
        """Return whether a group that a search found has all that the waiters may show."""
        return not pending.alone and self._results.are_settled(pending.elements)
