"""Federation's `_entities`: each representation stands and fails alone."""

from collections.abc import Awaitable
from typing import Any

from group_gateway.errors import BadUserInput, GatewayError
from group_gateway.groups.reading.group_reads import checked_id
from group_gateway.schema.context import Info
from group_gateway.schema.reference_resource import EntityStub

MOST_REPRESENTATIONS = 1000


def resolve_entities(info: Info, representations: list[Any]) -> list[Any]:
    """Return an entity, something to await for one, or an error for each representation.

    Groups are loaded in one batch. Raises BadUserInput when there are too many.
    """
    if len(representations) > MOST_REPRESENTATIONS:
        raise BadUserInput(f"`_entities` takes at most {MOST_REPRESENTATIONS} representations.")
    return [_resolve(info, representation) for representation in representations]


def _resolve(info: Info, representation: Any) -> Any:
    try:
        return _entity(info, representation)
    except GatewayError as error:  # a value: graphql-core puts it at this item's place
        return error


def _entity(info: Info, representation: Any) -> EntityStub | Awaitable[Any]:
    if not isinstance(representation, dict):
        raise BadUserInput("A representation is an object with `__typename` and `id`.")
    id = representation.get("id")
    if not isinstance(id, str):
        raise BadUserInput("The representation has no `id`.")
    match representation.get("__typename"):
        case "Group":
            return info.context.services.reads.get(info.context.operation, id)
        case "Patient" | "Practitioner" as type:
            return EntityStub(type, checked_id(id))
        case _:
            raise BadUserInput("This subgraph resolves Group, Patient and Practitioner.")
