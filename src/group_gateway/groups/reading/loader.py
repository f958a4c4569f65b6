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
from group_gateway.groups.reading.cache_slots import CacheSlots, unpack
from group_gateway.groups.reading.capabilities import UpstreamCapabilities
from group_gateway.groups.reading.group_fetcher import (
    Found,
    GroupFetcher,
    GroupFlight,
    Lifetimes,
    Miss,
)
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
        self._slots = slots
        self._flights: dict[tuple[str, str], GroupFlight] = {}
        self._ticks: dict[str, list[GroupFlight]] = {}
        self._tasks = BackgroundTasks()

    async def load(
        self, operation: Operation, id: str, *, exact: bool = True, alone: bool = False
    ) -> Found:
        """Return the group as this caller may see it, or None when there is none.

        Unless `exact`, a forbidden group may be None too. `alone` keeps it out of batched searches.
        """
        while True:
            flight = self._join(operation, id)
            flight.exact = flight.exact or exact
            flight.alone = flight.alone or alone
            try:
                return await flight.wait(operation)
            except UpstreamTimeout:
                if not flight.ran_out(operation):
                    raise

    async def find(self, operation: Operation, id: str, *, alone: bool = False) -> Found:
        """Return the group if this caller may see it, as a search would. May cost fewer calls."""
        try:
            return await self.load(operation, id, exact=False, alone=alone)
        except Forbidden:
            return None

    def forget(self, tags: Tags) -> None:
        """Exclude flights from joining that may have left before an invalidation of these tags."""
        for key, flight in list(self._flights.items()):
            if tags is None or flight.tag in tags:
                del self._flights[key]

    def _join(self, operation: Operation, id: str) -> GroupFlight:
        key = (operation.caller.scope, id)
        flight = self._flights.get(key)
        if flight is None or flight.is_over or not self._cache.may_join(flight.began):
            flight = self._flights[key] = GroupFlight(operation, id)
            self._enqueue(operation.caller, flight)
        elif operation not in flight.operations:
            flight.operations.append(operation)
        return flight

    def _enqueue(self, caller: Caller, flight: GroupFlight) -> None:
        tick = self._ticks.get(caller.scope)
        if tick is None:
            tick = self._ticks[caller.scope] = []
            asyncio.get_running_loop().call_soon(self._depart, caller)
        tick.append(flight)

    def _depart(self, caller: Caller) -> None:
        self._tasks.spawn(self._run(caller, self._ticks.pop(caller.scope)))

    async def _run(self, caller: Caller, tick: list[GroupFlight]) -> None:
        try:
            misses = await self._look_up(caller, tick)
            if misses:
                await self._fetcher.fetch(caller, misses)
        except Exception as error:  # noqa: BLE001 - handed to those who wait
            for flight in tick:
                flight.crash(error)
        finally:
            for flight in tick:
                if self._flights.get((caller.scope, flight.id)) is flight:
                    del self._flights[caller.scope, flight.id]

    async def _look_up(self, caller: Caller, tick: list[GroupFlight]) -> list[Miss]:
        slots = [self._slots.group(caller, flight.id) for flight in tick]
        for flight, slot in zip(tick, slots, strict=True):
            flight.tag = slot.tag  # has not left yet: may be joined after any invalidation
        lookups = await self._cache.lookup(slots)
        return [
            Miss(flight, slot, lookup)
            for flight, slot, lookup in zip(tick, slots, lookups, strict=True)
            if not self._land(flight, slot, lookup)
        ]

    def _land(self, flight: GroupFlight, slot: Slot, lookup: Lookup) -> bool:
        """Land a flight with what the cache holds, if it does."""
        if lookup.value is None:
            return False
        try:
            flight.land(unpack(lookup.value), self._cache.part(slot, lookup, 0))
        except ValueError:  # not a valid entry: read from the upstream
            return False
        return True
