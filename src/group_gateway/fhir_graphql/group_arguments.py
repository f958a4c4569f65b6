"""The search arguments of `GroupList` and `GroupConnection`, and their criteria."""

from collections.abc import Mapping
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
)

from group_gateway.errors import BadUserInput
from group_gateway.fhir_graphql.fhir_scalars import scalar_for
from group_gateway.fhir_graphql.list_navigation import COUNT, FHIRPATH, OFFSET
from group_gateway.groups.reading.filters.fhir_parameters import PARAMETERS
from group_gateway.groups.reading.filters.search_criteria import (
    FILTER,
    SORT,
    Criterion,
    SearchCriteria,
)

REFERENCE: Final = "_reference"
CURSORS: Final = ("cursor", "_cursor")
_SENT: Final[Mapping[str, str]] = {name.replace("-", "_"): name for name in PARAMETERS}
"""Search parameters by argument: `_` replaces `-`, which GraphQL's names can't have."""
_MOST_VALUES: Final = 1_000


def search_arguments(*, cursors: bool) -> dict[str, GraphQLArgument]:
    """Return the arguments of a search at the root."""
    arguments = {
        argument: GraphQLArgument(
            GraphQLList(scalar_for(PARAMETERS[name].type)),
            description=f"One of these values of `{name}`.",
        )
        for argument, name in _SENT.items()
    }
    arguments |= {
        FILTER: GraphQLArgument(GraphQLString, description="FHIR's filter language."),
        SORT: GraphQLArgument(GraphQLList(GraphQLString), description="Keys, `-` for descending."),
        COUNT: GraphQLArgument(GraphQLInt, description="Groups at most."),
        OFFSET: GraphQLArgument(GraphQLInt, description="Groups to skip."),
        FHIRPATH: GraphQLArgument(GraphQLString, description="Keep the groups where this is true."),
    }
    if cursors:
        for name in CURSORS:
            arguments[name] = GraphQLArgument(GraphQLString, description="One of a page's cursors.")
    return arguments


def reverse_arguments(parameters: tuple[str, ...]) -> dict[str, GraphQLArgument]:
    """Return the arguments of a search below the resource that the groups refer to."""
    arguments = search_arguments(cursors=False)
    del arguments["_id"]
    named = " or ".join(f"`{name}`" for name in parameters)
    return {
        REFERENCE: GraphQLArgument(
            GraphQLNonNull(scalar_for("code")), description=f"How they refer to it: {named}."
        ),
        **arguments,
    }


def criteria_of(arguments: Mapping[str, Any], base_url: str) -> SearchCriteria:
    """Return the search criteria of the arguments; raise BadUserInput."""
    criteria = []
    for argument, name in _SENT.items():
        values = arguments.get(argument)
        if values is None:
            continue
        given = tuple(value for value in values if value is not None)
        if not given or len(given) > _MOST_VALUES or "" in given:
            raise BadUserInput(f"`{argument}` takes 1 to {_MOST_VALUES} values that are not empty.")
        criteria.append(Criterion(name, given))
    filtered = arguments.get(FILTER)
    if filtered is not None:
        criteria.append(Criterion(FILTER, (filtered,)))
    sort = tuple(key for key in arguments.get(SORT) or () if key)
    return SearchCriteria(tuple(criteria), sort, base_url)


def cursor_of(arguments: Mapping[str, Any]) -> str | None:
    """Return the cursor; raise BadUserInput when anything else is given beside it."""
    given = {name: value for name, value in arguments.items() if value is not None}
    named = [name for name in CURSORS if name in given]
    if not named:
        return None
    if len(given) > 1:
        raise BadUserInput("A cursor holds the whole search: give no other argument with it.")
    cursor: str = given[named[0]]
    return cursor
