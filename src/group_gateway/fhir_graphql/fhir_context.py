"""The context of one operation of the HL7 interface, for its resolvers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.fhir.fhir_resource import FhirResource, NotAResource, decode_exactly
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.operation_outcome import Issue
from group_gateway.fhir_graphql.fhirpath import StepBudget
from group_gateway.operation import Operation
from group_gateway.schema.context import Services

Resource = dict[str, Any]


class LazyResource:
    """A resource that is decoded on demand."""

    __slots__ = ("_context", "_resource", "raw")

    def __init__(self, context: "FhirContext", resource: GroupResource | FhirResource) -> None:
        self._context = context
        self._resource = resource
        self.raw = resource.raw

    def get(self, name: str) -> Any:
        """Return an element; None for one that is absent. Raise UpstreamInvalidResponse."""
        return self.elements.get(name)

    @property
    def elements(self) -> Resource:
        """The decoded resource."""
        return self._context.decoded(self._resource)


@dataclass(slots=True)
class FhirContext:
    """One operation, the use cases, and the resources that it has decoded so far.

    `steps` bounds its FHIRPath expressions; `warnings` are those of succeeded mutations.
    """

    operation: Operation
    services: Services
    steps: StepBudget = field(default_factory=StepBudget)
    warnings: list[Issue] = field(default_factory=list)
    _decoded: dict[int, tuple[object, Resource]] = field(default_factory=dict)
    _containers: list[Resource] = field(default_factory=list)
    _container_of: dict[int, Resource] = field(default_factory=dict)

    def decoded(self, resource: GroupResource | FhirResource) -> Resource:
        """Return a resource's elements, decoded once; raise UpstreamInvalidResponse."""
        known = self._decoded.get(id(resource))
        if known is not None:
            return known[1]
        try:
            elements = decode_exactly(resource.raw)
        except NotAResource as error:
            raise UpstreamInvalidResponse(
                "The upstream sent a resource that can't be read."
            ) from error
        self._decoded[id(resource)] = resource, elements
        self._containers.append(elements)
        return elements

    def lazy(self, resource: GroupResource | FhirResource) -> LazyResource:
        """Return a resource that is decoded on demand."""
        return LazyResource(self, resource)

    def is_contained(self, resource: Any) -> bool:
        """Return whether a resource is contained in another one."""
        if isinstance(resource, LazyResource):
            return False
        container = self._container(resource)
        return container is not None and container is not resource

    def contained(self, reference: Mapping[str, Any], local_id: str) -> Resource | None:
        """Return the resource that a reference `#local_id` names inside its own resource.

        `#` alone is the containing resource itself.
        """
        container = self._container(reference)
        if container is None or not local_id:
            return container
        entries = container.get("contained")
        if not isinstance(entries, list):
            return None
        for entry in entries:
            if isinstance(entry, dict) and entry.get("id") == local_id:
                found: Resource = entry
                return found
        return None

    def _container(self, reference: Mapping[str, Any]) -> Resource | None:
        while self._containers and id(reference) not in self._container_of:
            container = self._containers.pop()
            self._container_of.update((id(value), container) for value in _objects_in(container))
        return self._container_of.get(id(reference))


def _objects_in(value: Any) -> Iterable[Any]:
    """Yield all JSON objects inside a value."""
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            yield item
            left += item.values()
        elif isinstance(item, list):
            left += item
