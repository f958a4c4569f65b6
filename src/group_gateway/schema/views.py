"""Fields of a Group that are more than an element. Resolvers of `Group`."""

from typing import Any

import strawberry

from group_gateway.fhir.characteristic import responsibilities_of
from group_gateway.fhir.resource import GroupResource
from group_gateway.schema.elements import elements_of


def responsibilities(parent: strawberry.Parent[Any]) -> list[str]:
    """Give the responsibilities that the characteristics carry."""
    return responsibilities_of(elements_of(parent))


def version(parent: strawberry.Parent[GroupResource]) -> str:
    """Give the version that was read."""
    return parent.version
