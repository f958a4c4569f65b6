"""Fields of a Group that are more than an element. Resolvers of `Group`."""

from typing import Any

import strawberry

from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.fhir.characteristic import responsibilities_of
from group_gateway.fhir.resource import GROUP_TYPES, GroupResource
from group_gateway.schema.elements import elements_of


def group_type(parent: strawberry.Parent[Any]) -> Any:
    """Give Group.type; an unknown code is an error of this field."""
    code = elements_of(parent).get("type")
    if code is not None and code not in GROUP_TYPES:
        raise UpstreamInvalidResponse("The upstream sent an unknown group type.")
    return code


def responsibilities(parent: strawberry.Parent[Any]) -> list[str]:
    """Give the responsibilities that the characteristics carry."""
    return responsibilities_of(elements_of(parent))


def version(parent: strawberry.Parent[GroupResource]) -> str:
    """Give the version that was read."""
    return parent.version
