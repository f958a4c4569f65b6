"""Fields of a Group that are more than an element. Resolvers of `Group`."""

from typing import Any

import strawberry

from group_gateway.fhir.characteristic import is_broken_responsibility, responsibilities_of
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.schema.context import Info
from group_gateway.schema.elements import objects


def responsibilities(parent: strawberry.Parent[Any], info: Info) -> list[str]:
    """Return the responsibilities of the characteristics; report invalid ones."""
    characteristics = objects(parent, "characteristic", info)
    if any(map(is_broken_responsibility, characteristics)):
        info.context.report(info, "The upstream sent a broken responsibility.")
    return responsibilities_of({"characteristic": characteristics})


def version(parent: strawberry.Parent[GroupResource]) -> str:
    """Return the version that was read."""
    return parent.version
