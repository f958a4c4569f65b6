"""Federation's `_entities`: each representation fails by itself."""

from collections.abc import Awaitable, Sequence
from typing import Any

from group_gateway.errors import BadUserInput, GatewayError
from group_gateway.groups.reading.filters.filter_table import BY_ID
from group_gateway.logical_ids import checked_id
from group_gateway.schema.context import Info
from group_gateway.schema.reference_resource import EntityStub

MOST_REPRESENTATIONS = 1000
WITH_GROUPS = tuple(BY_ID)
"""Types, beside Group, that this subgraph resolves by their id."""


def resolve_entities(
    info: Info, representations: list[Any], types: Sequence[str] = WITH_GROUPS
) -> list[Any]:
    """Return an entity, an awaitable of one, or an error for each representation.

    `types` are resolved beside Group. Groups are loaded in one batch. Raises BadUserInput when
    there are too many.
    """
    if len(representations) > MOST_REPRESENTATIONS:
        raise BadUserInput(f"`_entities` takes at most {MOST_REPRESENTATIONS} representations.")
    return [_resolve(info, representation, types) for representation in representations]


def _resolve(info: Info, representation: Any, types: Sequence[str]) -> Any:
    try:
        return _entity(info, representation, types)
    except GatewayError as error:  # a value: graphql-core puts it at this item's place
        return error


def _entity(info: Info, representation: Any, types: Sequence[str]) -> EntityStub | Awaitable[Any]:
    if not isinstance(representation, dict):
        raise BadUserInput("A representation is an object with `__typename` and `id`.")
    id = representation.get("id")
    if not isinstance(id, str):
        raise BadUserInput("The representation has no `id`.")
    match representation.get("__typename"):
        case "Group":
            return info.context.services.reads.get(info.context.operation, id)
        case str() as type if type in types:
            return EntityStub(type, checked_id(id))
        case _:
            raise BadUserInput(f"This subgraph resolves {_listed(types)}.")


def _listed(types: Sequence[str]) -> str:
    """Return the resolved types as text: `Group, Patient and Practitioner`."""
    *first, last = types
    return f"{', '.join(['Group', *first])} and {last}"
