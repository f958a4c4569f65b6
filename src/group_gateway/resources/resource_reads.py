"""The read that resolvers call: the target of a reference."""

from group_gateway.cache.store import CacheStore
from group_gateway.fhir.fhir_resource import FhirResource
from group_gateway.groups.reading.loading.cache_slots import CacheSlots
from group_gateway.groups.reading.loading.group_fetcher import Lifetimes
from group_gateway.logical_ids import checked_id
from group_gateway.operation import Operation
from group_gateway.resources.resource_fetcher import ResourceFetcher
from group_gateway.resources.resource_loader import (
    PendingResource,
    ResourceLoader,
    ResourceName,
    record,
)
from group_gateway.upstream.client import GroupClient
from group_gateway.upstream.resource_client import ResourceClient


class ResourceReads:
    """Read resources for the operation that each call names."""

    def __init__(self, loader: ResourceLoader) -> None:
        self._loader = loader

    @classmethod
    def of(
        cls, client: GroupClient, cache: CacheStore, slots: CacheSlots, lifetimes: Lifetimes
    ) -> "ResourceReads":
        """Return the reads from the server of a client."""
        fetcher = ResourceFetcher(ResourceClient(client), cache, lifetimes)
        return cls(ResourceLoader(fetcher, cache, slots))

    async def get(
        self, operation: Operation, type: str, id: str, version: str | None = None
    ) -> FhirResource | None:
        """Return a resource, or one version of it; None when there is none.

        Raises BadUserInput for a malformed id, and Forbidden without a scope for the type.
        """
        name = _checked(operation, type, id, version)
        resource = await self._loader.load(operation, name)
        if resource is not None:
            record(operation, name)
        return resource

    def begin(self, operation: Operation, type: str, id: str) -> PendingResource:
        """Start to read a resource at once; raise what `get` raises for an invalid request."""
        return self._loader.begin(operation, _checked(operation, type, id, None))


def _checked(operation: Operation, type: str, id: str, version: str | None) -> ResourceName:
    if type == "Group":
        operation.caller.require("read")
    else:
        operation.caller.require_read(type)
    return ResourceName(type, checked_id(id), None if version is None else checked_id(version))
