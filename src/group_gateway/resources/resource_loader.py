"""Load resources by type and id: collected by caller and type within a tick.

A tick is one turn of the event loop: loads of the fields of an operation go upstream together. Two
callers share nothing.
"""

import asyncio
from collections.abc import Generator
from typing import Any, NamedTuple

from group_gateway.cache.entries import Lookup, Slot
from group_gateway.cache.store import CacheStore
from group_gateway.concurrency import BackgroundTasks
from group_gateway.errors import NotFound, UpstreamTimeout
from group_gateway.fhir.fhir_resource import FhirResource
from group_gateway.groups.reading.cache_slots import CacheSlots
from group_gateway.operation import Caller, Operation
from group_gateway.resources.resource_fetcher import ResourceFetcher, ResourceFlight, ResourceMiss

Key = tuple[str, str, str, str | None]
"""A caller's scope, and the type, id and version of a resource."""


class ResourceName(NamedTuple):
    """The type and id of a resource, and which version is meant if not the current one."""

    type: str
    id: str
    version: str | None = None


class PendingResource:
    """A resource that is being loaded: await it, or call `result` when it `is_over`.

    Both return None when there is none for the caller, or it was deleted, and raise other failures.
    """

    __slots__ = ("_flight", "_loader", "_operation", "name")

    def __init__(
        self,
        loader: "ResourceLoader",
        operation: Operation,
        name: ResourceName,
        flight: ResourceFlight,
    ) -> None:
        self.name = name
        self._loader = loader
        self._operation = operation
        self._flight = flight

    @property
    def is_over(self) -> bool:
        """Whether the load has ended."""
        return self._flight.is_over

    def __await__(self) -> Generator[Any, None, FhirResource | None]:
        """Wait for the resource."""
        return self._wait().__await__()

    async def _wait(self) -> FhirResource | None:
        operation, flight = self._operation, self._flight
        try:
            return self._recorded(await flight.wait(operation))
        except NotFound:
            return None
        except UpstreamTimeout:
            if not flight.ran_out(operation):
                raise
        return self._recorded(await self._loader.load(operation, self.name))

    def result(self) -> FhirResource | None:
        """Return the resource; raise the failure of its load."""
        try:
            return self._recorded(self._flight.answer(self._operation))
        except NotFound:
            return None

    def _recorded(self, resource: FhirResource | None) -> FhirResource | None:
        if resource is not None:
            record(self._operation, self.name)
        return resource


def record(operation: Operation, name: ResourceName) -> None:
    """Record for the audit log that a resource was read."""
    operation.record_read((name.id if name.type == "Group" else f"{name.type}/{name.id}",))


class ResourceLoader:
    """Load resources for all callers of a process."""

    def __init__(self, fetcher: ResourceFetcher, cache: CacheStore, slots: CacheSlots) -> None:
        self._fetcher = fetcher
        self._cache = cache
        self._slots = slots
        self._flights: dict[Key, ResourceFlight] = {}
        self._ticks: dict[tuple[str, str], list[ResourceFlight]] = {}
        self._tasks = BackgroundTasks()

    async def load(self, operation: Operation, name: ResourceName) -> FhirResource | None:
        """Return a resource as this caller may see it; None when there is none."""
        while True:
            flight = self._join(operation, name)
            try:
                return await flight.wait(operation)
            except UpstreamTimeout:
                if not flight.ran_out(operation):
                    raise

    def begin(self, operation: Operation, name: ResourceName) -> PendingResource:
        """Start to load a resource at once."""
        return PendingResource(self, operation, name, self._join(operation, name))

    def _join(self, operation: Operation, name: ResourceName) -> ResourceFlight:
        key = (operation.caller.scope, name.type, name.id, name.version)
        flight = self._flights.get(key)
        if flight is None or flight.is_over:
            flight = self._flights[key] = ResourceFlight(
                operation, name.type, name.id, name.version
            )
            self._enqueue(operation.caller, flight)
        elif operation not in flight.operations:
            flight.operations.append(operation)
        return flight

    def _enqueue(self, caller: Caller, flight: ResourceFlight) -> None:
        key = (caller.scope, flight.type)
        tick = self._ticks.get(key)
        if tick is None:
            tick = self._ticks[key] = []
            asyncio.get_running_loop().call_soon(self._depart, caller, flight.type)
        tick.append(flight)

    def _depart(self, caller: Caller, type: str) -> None:
        tick = self._ticks.pop((caller.scope, type))
        self._tasks.spawn(self._run(caller, type, tick))

    async def _run(self, caller: Caller, type: str, tick: list[ResourceFlight]) -> None:
        try:
            misses = await self._look_up(caller, tick)
            if misses:
                await self._fetcher.fetch(caller, type, misses)
        except Exception as error:  # noqa: BLE001 - handed to those who wait
            for flight in tick:
                flight.crash(error)
        finally:
            for flight in tick:
                key = (caller.scope, type, flight.id, flight.version)
                if self._flights.get(key) is flight:
                    del self._flights[key]

    async def _look_up(self, caller: Caller, tick: list[ResourceFlight]) -> list[ResourceMiss]:
        slots = [self._slots.resource(caller, f.type, f.id, f.version) for f in tick]
        lookups = await self._cache.lookup(slots)
        return [
            ResourceMiss(flight, slot, lookup)
            for flight, slot, lookup in zip(tick, slots, lookups, strict=True)
            if not self._land(flight, slot, lookup)
        ]

    def _land(self, flight: ResourceFlight, slot: Slot, lookup: Lookup) -> bool:
        """Land a flight with what the cache holds, if it does."""
        if lookup.value is None:
            return False
        flight.land(flight.resource_of(lookup.value), self._cache.part(slot, lookup, 0))
        return True
