"""Load resources by type and id: collected by caller and type within a tick.

A tick is one turn of the event loop: loads of the fields of an operation go upstream together. Two
callers share nothing.

`GroupLoader` has the same steps. What both do alike is in `groups/reading/loading` (one call for
all who wait, charges, expired entries). The steps themselves differ: groups are invalidated, may be
incomplete, and need not be exact; resources have types and versions, and loads that begin before
they are awaited. A common base class was longer than what it saved.
"""

import asyncio
from collections.abc import Generator
from typing import Any, NamedTuple

from group_gateway.cache.entries import Lookup, Slot
from group_gateway.cache.store import CacheStore
from group_gateway.concurrency import BackgroundTasks
from group_gateway.errors import NotFound, UpstreamTimeout
from group_gateway.fhir.fhir_resource import FhirResource
from group_gateway.groups.reading.loading.cache_slots import CacheSlots
from group_gateway.operation import Caller, Operation
from group_gateway.resources.resource_fetcher import ResourceFetcher, ResourceLoad, ResourceMiss

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

    __slots__ = ("_loader", "_operation", "_pending", "name")

    def __init__(
        self,
        loader: "ResourceLoader",
        operation: Operation,
        name: ResourceName,
        pending: ResourceLoad,
    ) -> None:
        self.name = name
        self._loader = loader
        self._operation = operation
        self._pending = pending

    @property
    def is_over(self) -> bool:
        """Whether the load has ended."""
        return self._pending.is_over

    def __await__(self) -> Generator[Any, None, FhirResource | None]:
        """Wait for the resource."""
        return self._wait().__await__()

    async def _wait(self) -> FhirResource | None:
        operation, pending = self._operation, self._pending
        try:
            return self._recorded(await pending.wait(operation))
        except NotFound:
            return None
        except UpstreamTimeout:
            if not pending.ran_out(operation):
                raise
        return self._recorded(await self._loader.load(operation, self.name))

    def result(self) -> FhirResource | None:
        """Return the resource; raise the failure of its load."""
        try:
            return self._recorded(self._pending.answer(self._operation))
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
        self._pending: dict[Key, ResourceLoad] = {}
        self._ticks: dict[tuple[str, str], list[ResourceLoad]] = {}
        self._tasks = BackgroundTasks()

    async def load(self, operation: Operation, name: ResourceName) -> FhirResource | None:
        """Return a resource as this caller may see it; None when there is none."""
        while True:
            pending = self._join(operation, name)
            try:
                return await pending.wait(operation)
            except UpstreamTimeout:
                if not pending.ran_out(operation):
                    raise

    def begin(self, operation: Operation, name: ResourceName) -> PendingResource:
        """Start to load a resource at once."""
        return PendingResource(self, operation, name, self._join(operation, name))

    def _join(self, operation: Operation, name: ResourceName) -> ResourceLoad:
        key = (operation.caller.scope, name.type, name.id, name.version)
        pending = self._pending.get(key)
        if pending is None or pending.is_over:
            pending = self._pending[key] = ResourceLoad(operation, name.type, name.id, name.version)
            self._enqueue(operation.caller, pending)
        elif operation not in pending.operations:
            pending.operations.append(operation)
        return pending

    def _enqueue(self, caller: Caller, pending: ResourceLoad) -> None:
        key = (caller.scope, pending.type)
        tick = self._ticks.get(key)
        if tick is None:
            tick = self._ticks[key] = []
            asyncio.get_running_loop().call_soon(self._depart, caller, pending.type)
        tick.append(pending)

    def _depart(self, caller: Caller, type: str) -> None:
        tick = self._ticks.pop((caller.scope, type))
        self._tasks.spawn(self._run(caller, type, tick))

    async def _run(self, caller: Caller, type: str, tick: list[ResourceLoad]) -> None:
        try:
            misses = await self._look_up(caller, tick)
            if misses:
                await self._fetcher.fetch(caller, type, misses)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - handed to those who wait
            for pending in tick:
                pending.reject(error)
        finally:
            for pending in tick:
                key = (caller.scope, type, pending.id, pending.version)
                if self._pending.get(key) is pending:
                    del self._pending[key]

    async def _look_up(self, caller: Caller, tick: list[ResourceLoad]) -> list[ResourceMiss]:
        slots = [self._slots.resource(caller, f.type, f.id, f.version) for f in tick]
        lookups = await self._cache.lookup(slots)
        return [
            ResourceMiss(pending, slot, lookup)
            for pending, slot, lookup in zip(tick, slots, lookups, strict=True)
            if not self._resolve(pending, slot, lookup)
        ]

    def _resolve(self, pending: ResourceLoad, slot: Slot, lookup: Lookup) -> bool:
        """Resolve a pending result from the cache; return whether it holds one."""
        if lookup.value is None:
            return False
        pending.resolve(pending.resource_of(lookup.value), self._cache.dependency(slot, lookup, 0))
        return True
