"""Fetch resources of one type that the cache does not hold: by id lists where supported.

A resource that a complete list omits does not exist for the caller. If the upstream does not search
by id lists, resources are read one by one, in parallel, within the operation's budget of calls.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from group_gateway.cache.entries import Lookup, Slot
from group_gateway.cache.store import CacheStore
from group_gateway.errors import Forbidden, GatewayError
from group_gateway.fhir.fhir_resource import FhirResource
from group_gateway.groups.reading.capabilities.capability_probe import CapabilityProbe
from group_gateway.groups.reading.capabilities.paging_support import is_refusal
from group_gateway.groups.reading.loading.group_fetcher import Lifetimes
from group_gateway.groups.reading.loading.pending_result import (
    PendingResult,
    charge,
    longest_remaining,
    refund,
)
from group_gateway.groups.reading.loading.stale_if_error import stale_if_error, vanished
from group_gateway.operation import Caller, Operation
from group_gateway.upstream.resource_client import ResourceClient

_LONGEST_LIST = 100
"""Ids in one search: a common page maximum, and well below common limits for URLs."""


class ResourceLoad(PendingResult[FhirResource | None]):
    """The pending load of a resource."""

    def __init__(self, operation: Operation, type: str, id: str, version: str | None) -> None:
        super().__init__(operation)
        self.type = type
        self.id = id
        self.version = version

    def resource_of(self, entry: bytes) -> FhirResource | None:
        """Return the resource of a cache entry, None for an absent one."""
        return FhirResource(entry, self.type, self.id) if entry else None


class ResourceMiss(NamedTuple):
    """A pending result whose resource is not in the cache, and the slot for its entry."""

    pending: ResourceLoad
    slot: Slot
    lookup: Lookup


class ResourceFetcher:
    """Fetch for one caller and type at a time, resolve the pending results, and fill the cache."""

    def __init__(self, client: ResourceClient, cache: CacheStore, lifetimes: Lifetimes) -> None:
        self._client = client
        self._cache = cache
        self._lifetimes = lifetimes
        self._id_lists: dict[str, CapabilityProbe] = {}

    async def fetch(self, caller: Caller, type: str, misses: Sequence[ResourceMiss]) -> None:
        """Resolve or reject every pending result, each by itself."""
        old = [miss for miss in misses if miss.pending.version is not None]
        current = [miss for miss in misses if miss.pending.version is None]
        if len(current) > 1 and self._probe(type).worth_trying:
            lists = [
                self._fetch_list(caller, type, current[i : i + _LONGEST_LIST])
                for i in range(0, len(current), _LONGEST_LIST)
            ]
            await asyncio.gather(self._read_all(caller, old), *lists)
        else:
            await self._read_all(caller, misses)

    def _probe(self, type: str) -> CapabilityProbe:
        return self._id_lists.setdefault(type, CapabilityProbe())

    async def _fetch_list(self, caller: Caller, type: str, misses: Sequence[ResourceMiss]) -> None:
        """Search by an id list, again for what a page omitted, and read unclear ones singly."""
        probe = self._probe(type)
        left = {miss.pending.id: miss for miss in misses}
        paid: list[Operation] = []
        complete = works = False
        try:
            while left and not complete:
                found, more = await self._search(caller, type, left, paid)
                if found is None:
                    break
                works = works or len(found) > 1
                await self._keep(found)
                complete = not more
                if not found:
                    break
        except Forbidden:
            pass  # it may be about searches, or about one of the resources: the reads decide
        except Exception as error:  # noqa: BLE001 - handed to those who wait
            await self._fail(list(left.values()), error)
            return
        if works or not left:
            probe.learn(works=True)
        elif not probe.proven:
            refund(paid)  # failed list searches must not exhaust the budget for reads
        if complete and probe.proven:
            await self._keep([(miss, None) for miss in left.values()])
            return
        read = await self._read_all(caller, list(left.values()))
        if read > 1 and not works:
            probe.learn(works=False)

    async def _search(
        self,
        caller: Caller,
        type: str,
        left: dict[str, ResourceMiss],
        paid: list[Operation],
    ) -> tuple[list[tuple[ResourceMiss, FhirResource | None]] | None, bool]:
        """Return what a search found, removed from `left`; None if it was not by the list."""
        results = [miss.pending for miss in left.values()]
        paid += charge(results)
        wanted = list(left)
        try:
            resources, more = await self._client.find(
                caller, type, wanted, longest_remaining(results), partial(charge, results)
            )
        except GatewayError as error:
            if is_refusal(error):
                return None, False
            raise
        if any(r.type != type or r.id not in left for r in resources):
            return None, False
        found = [(left.pop(r.id), r) for r in resources if r.id in left]
        return [*found], more

    async def _read_all(self, caller: Caller, misses: Sequence[ResourceMiss]) -> int:
        """Read one by one, in parallel; return how many were found."""
        return sum(await asyncio.gather(*(self._read(caller, miss) for miss in misses)))

    async def _read(self, caller: Caller, miss: ResourceMiss) -> bool:
        pending = miss.pending
        try:
            charge([pending])
            resource = await self._client.read(
                caller,
                pending.type,
                pending.id,
                pending.version,
                longest_remaining([pending]),
                partial(charge, [pending]),
            )
        except Exception as error:  # noqa: BLE001 - one bad id does not fail its batch
            await self._fail([miss], error)
            return False
        await self._keep([(miss, resource)])
        return resource is not None

    async def _fail(self, misses: Sequence[ResourceMiss], failure: Exception) -> None:
        """Reject results, or resolve them with stale entries where allowed."""
        slots = [miss.slot for miss in misses]
        before = await stale_if_error(self._cache, slots, failure, self._lifetimes.group)
        for miss, recalled in zip(misses, before, strict=True):
            resource = miss.pending.resource_of(recalled.value) if recalled else None
            if recalled and resource:
                miss.pending.resolve_stale(resource, recalled.age)
            else:
                miss.pending.reject(failure)

    async def _keep(self, found: Sequence[tuple[ResourceMiss, FhirResource | None]]) -> None:
        for present, ttl in ((True, self._lifetimes.group), (False, self._lifetimes.absence)):
            some = [(miss, r) for miss, r in found if (r is not None) is present]
            for miss, resource in some:
                miss.pending.resolve(resource, self._cache.dependency(miss.slot, miss.lookup, ttl))
            if some and not present:
                await vanished(self._cache, [miss.slot for miss, _ in some])
            entries = [(m.slot, m.lookup, b"" if r is None else r.raw) for m, r in some]
            if entries:
                await self._cache.put(entries, ttl)
