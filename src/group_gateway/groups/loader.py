"""Single groups by id: collected by caller within a tick, from cache or upstream. Used by `reads`.

Ids of one tick become one search where the upstream takes id lists, else bounded parallel reads.
What a list search leaves out is read singly, because only a read tells absent from forbidden.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from group_gateway.cache.store import CacheStore, Lookup, Slot
from group_gateway.errors import BadUserInput, Forbidden, UpstreamInvalidResponse
from group_gateway.fhir.bundle import PageLink
from group_gateway.fhir.resource import GroupResource
from group_gateway.groups.flights import Flight, charge, within
from group_gateway.groups.knowledge import UpstreamKnowledge
from group_gateway.groups.snapshot import Slots, pack, unpack
from group_gateway.operation import Caller, Operation
from group_gateway.upstream.client import GroupClient

T = TypeVar("T")
Found = GroupResource | None
_LONGEST_LIST = 100
"""Ids in one search: the upstream's page maximum, and well below common limits for URLs."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds that entries live: groups, search pages, absence."""

    group: float = 30.0
    search: float = 10.0
    absence: float = 5.0


@dataclass(frozen=True, slots=True)
class _Miss:
    flight: Flight[Found]
    id: str
    slot: Slot
    lookup: Lookup


class GroupLoader:
    """Loads groups for all callers of a process; nothing is shared between two callers."""

    def __init__(
        self,
        client: GroupClient,
        cache: CacheStore,
        slots: Slots,
        knowledge: UpstreamKnowledge,
        lifetimes: Lifetimes,
    ) -> None:
        self._client = client
        self._cache = cache
        self._slots = slots
        self._knowledge = knowledge
        self._lifetimes = lifetimes
        self._flights: dict[tuple[str, str], Flight[Found]] = {}
        self._ticks: dict[str, dict[str, Flight[Found]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self, operation: Operation, id: str) -> Found:
        """Give the group as this caller may see it, or None when there is none."""
        key = (operation.caller.scope, id)
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = Flight(operation)
            self._enqueue(operation.caller, id, flight)
        elif operation not in flight.operations:
            flight.operations.append(operation)
        return await flight.wait(operation)

    def forget(self, id: str) -> None:
        """Let nobody join a flight that may have left before a write to this group."""
        for key in [key for key in self._flights if key[1] == id]:
            del self._flights[key]

    def _enqueue(self, caller: Caller, id: str, flight: Flight[Found]) -> None:
        tick = self._ticks.get(caller.scope)
        if tick is None:
            tick = self._ticks[caller.scope] = {}
            asyncio.get_running_loop().call_soon(self._depart, caller)
        tick[id] = flight

    def _depart(self, caller: Caller) -> None:
        task = asyncio.create_task(self._run(caller, self._ticks.pop(caller.scope)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, caller: Caller, tick: dict[str, Flight[Found]]) -> None:
        try:
            misses = await self._look_up(caller, tick)
            if misses:
                await self._fetch(caller, misses)
        except Exception as error:  # noqa: BLE001 - handed to those who wait
            for flight in tick.values():
                flight.crash(error)
        finally:
            for id, flight in tick.items():
                if self._flights.get((caller.scope, id)) is flight:
                    del self._flights[caller.scope, id]

    async def _look_up(self, caller: Caller, tick: dict[str, Flight[Found]]) -> list[_Miss]:
        slots = {id: self._slots.group(caller, id) for id in tick}
        lookups = await self._cache.lookup(list(slots.values()))
        misses = []
        for (id, slot), lookup in zip(slots.items(), lookups, strict=True):
            if lookup.value is None:
                misses.append(_Miss(tick[id], id, slot, lookup))
            else:
                tick[id].land(unpack(lookup.value), self._cache.part(slot, lookup, 0))
        return misses

    async def _fetch(self, caller: Caller, misses: list[_Miss]) -> None:
        if len(misses) > 1 and self._knowledge.id_lists.worth_trying:
            chunks = [misses[i : i + _LONGEST_LIST] for i in range(0, len(misses), _LONGEST_LIST)]
            left = await _all(self._search(caller, chunk) for chunk in chunks)
            listed = len(misses) - sum(map(len, left))
            rest = [miss for chunk in left for miss in chunk]
            found = await _all(self._read(caller, miss) for miss in rest)
            if listed > 1 or any(found):
                self._knowledge.id_lists.learn(works=listed > 1)
        else:
            await _all(self._read(caller, miss) for miss in misses)

    async def _search(self, caller: Caller, misses: list[_Miss]) -> list[_Miss]:
        """Search by an id list; give back what the answer did not hold."""
        flights = [miss.flight for miss in misses]
        query = (("_id", ",".join(miss.id for miss in misses)), ("_count", str(len(misses))))
        if self._knowledge.id_lists.proven:  # else it is a try, for the good of all
            charge(flights)
        try:
            page = await self._client.search(caller, PageLink(query), within(flights))
        except (BadUserInput, Forbidden, UpstreamInvalidResponse):
            return misses  # no such search here: the reads say what is wrong, each for its own id
        groups = {group.id: group for group in page.groups}
        if not groups.keys() <= {miss.id for miss in misses}:
            return misses  # the upstream did not search by the ids
        found = [(miss, groups[miss.id]) for miss in misses if miss.id in groups]
        await self._keep(found)
        return [miss for miss in misses if miss.id not in groups]

    async def _read(self, caller: Caller, miss: _Miss) -> bool:
        try:
            charge([miss.flight])
            resource = await self._client.read(caller, miss.id, within([miss.flight]))
        except Exception as error:  # noqa: BLE001 - one bad id does not fail its batch
            miss.flight.crash(error)
            return False
        await self._keep([(miss, resource)])
        return resource is not None

    async def _keep(self, found: Iterable[tuple[_Miss, Found]]) -> None:
        present: list[tuple[Slot, Lookup, bytes]] = []
        absent: list[tuple[Slot, Lookup, bytes]] = []
        for miss, resource in found:
            entries, ttl = (
                (absent, self._lifetimes.absence)
                if resource is None
                else (present, self._lifetimes.group)
            )
            miss.flight.land(resource, self._cache.part(miss.slot, miss.lookup, ttl))
            if miss.lookup.generation is not None:
                entries.append((miss.slot, miss.lookup, pack(resource)))
        if present:
            await self._cache.put(present, self._lifetimes.group)
        if absent:
            await self._cache.put(absent, self._lifetimes.absence)


async def _all(work: Iterable[Awaitable[T]]) -> list[T]:
    pending = list(work)
    if len(pending) == 1:  # a task for a single read would cost as much as the read
        return [await pending[0]]
    return list(await asyncio.gather(*pending))
