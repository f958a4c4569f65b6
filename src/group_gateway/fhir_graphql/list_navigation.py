"""List navigation: filters, `_offset` and `_count` on a repeating element, in this order."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from graphql import GraphQLArgument, GraphQLInt, GraphQLString

from group_gateway.errors import BadUserInput
from group_gateway.fhir_graphql.fhir_scalars import scalar_for
from group_gateway.fhir_graphql.fhirpath import StepBudget, compile_path
from group_gateway.fhir_graphql.model import Element

FHIRPATH: Final = "fhirpath"
COUNT: Final = "_count"
OFFSET: Final = "_offset"


def navigation_arguments(children: Iterable[Element]) -> dict[str, GraphQLArgument]:
    """Return the arguments of a list whose items have these elements."""
    arguments = {
        FHIRPATH: GraphQLArgument(GraphQLString, description="Keep the items where this is true."),
        COUNT: GraphQLArgument(GraphQLInt, description="Return this many items at most."),
        OFFSET: GraphQLArgument(GraphQLInt, description="Skip this many items first."),
    }
    for child in children:
        if child.is_primitive:
            scalar = scalar_for("id" if child.is_id else child.type)
            text = f"Keep the items whose `{child.name}` equals this."
            arguments[child.name] = GraphQLArgument(scalar, description=text)
    return arguments


def navigated(
    items: list[Any] | None, arguments: Mapping[str, Any], steps: StepBudget
) -> list[Any] | None:
    """Return the items that a list's arguments select. Raise BadUserInput for wrong arguments."""
    given = {name: value for name, value in arguments.items() if value is not None}
    offset, count = whole(given, OFFSET), whole(given, COUNT)
    path = given.pop(FHIRPATH, None)
    keeps = None if path is None else compile_path(path)
    if items is None:
        return None
    wanted = [(name, value) for name, value in given.items() if name not in {OFFSET, COUNT}]
    kept = [item for item in items if _fits(item, wanted)] if wanted else items
    if keeps is not None:
        kept = [item for item in kept if item is not None and keeps(item, steps)]
    return sliced(kept, offset, count)


def sliced(items: list[Any], offset: int | None, count: int | None) -> list[Any]:
    """Return `count` items from `offset` on."""
    start = offset or 0
    return items[start:] if count is None else items[start : start + count]


def whole(arguments: Mapping[str, Any], name: str) -> int | None:
    """Return the number of an argument; raise BadUserInput when it is negative."""
    number: int | None = arguments.get(name)
    if number is not None and number < 0:
        raise BadUserInput(f"`{name}` is a number from 0 on.")
    return number


def _fits(item: Any, wanted: list[tuple[str, Any]]) -> bool:
    return item is not None and all(_equals(item.get(name), value) for name, value in wanted)


def _equals(found: Any, wanted: Any) -> bool:
    if isinstance(found, list):  # an element that repeats: one of its values is enough
        return any(_equals(value, wanted) for value in found)
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)
