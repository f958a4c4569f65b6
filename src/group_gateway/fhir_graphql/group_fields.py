"""Group's fields at the root and below the targets of groups: one, a list, a page with cursors."""

import asyncio
from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLList,
    GraphQLObjectType,
    GraphQLString,
)

from group_gateway.concurrency import started
from group_gateway.errors import BadUserInput
from group_gateway.fhir.group_rules import MANAGING_TYPES, MEMBER_TYPES, RELATED_TYPES
from group_gateway.fhir_graphql.element_types import ElementTypes
from group_gateway.fhir_graphql.fhir_context import FhirContext, LazyResource
from group_gateway.fhir_graphql.fhirpath import compile_path
from group_gateway.fhir_graphql.group_arguments import (
    REFERENCE,
    criteria_of,
    cursor_of,
    reverse_arguments,
    search_arguments,
)
from group_gateway.fhir_graphql.list_navigation import COUNT, FHIRPATH, OFFSET, whole
from group_gateway.fhir_graphql.model import GROUP
from group_gateway.fhir_graphql.reference_target import Shown, read_instance
from group_gateway.groups.reading.fhir_searches import (
    GroupPage,
    Keeps,
    PagePlace,
    checked_count,
)
from group_gateway.groups.reading.filters.search_criteria import Criterion, SearchCriteria

LIST = "GroupList"
CONNECTION = "GroupConnection"
EDGE = "GroupEdge"
_NEEDS_NO_PAGE = frozenset({"count", "pagesize", "pageSize", "first", "__typename"})


def query_fields(types: ElementTypes, connection: GraphQLObjectType) -> dict[str, GraphQLField]:
    """Return the fields of the root `Query`."""
    one = {
        name: GraphQLField(
            types[name],
            args={
                "id": GraphQLArgument(GraphQLID, description="Its logical id."),
                "_id": GraphQLArgument(GraphQLID, description="The same."),
            },
            resolve=_one(name),
            description=f"The {name} of this id.",
        )
        for name in RELATED_TYPES
    }
    return one | {
        LIST: GraphQLField(
            GraphQLList(types[GROUP]),
            args=search_arguments(cursors=False),
            resolve=_list,
            description="All groups that match, or an error.",
        ),
        CONNECTION: GraphQLField(
            connection,
            args=search_arguments(cursors=True),
            resolve=_connection,
            description="The groups that match, in pages.",
        ),
    }


def reverse_fields(
    name: str, types: ElementTypes, connection: GraphQLObjectType
) -> dict[str, GraphQLField]:
    """Return the fields of a resource type that find the groups that refer to a resource."""
    parameters = reverse_parameters(name)
    arguments = reverse_arguments(parameters)
    return {
        LIST: GraphQLField(
            GraphQLList(types[GROUP]),
            args=arguments,
            resolve=_list,
            description="All groups that refer to it, or an error.",
        ),
        CONNECTION: GraphQLField(
            connection,
            args=arguments,
            resolve=_connection,
            description="The groups that refer to it: the first page.",
        ),
    }


def reverse_parameters(name: str) -> tuple[str, ...]:
    """Return the parameters by which groups may refer to a resource of this type."""
    found = (("member", MEMBER_TYPES), ("managing_entity", MANAGING_TYPES))
    return tuple(parameter for parameter, types in found if name in types)


def connection_type(types: ElementTypes) -> GraphQLObjectType:
    """Return the type of a page of groups."""
    edge = GraphQLObjectType(
        EDGE,
        {
            "mode": GraphQLField(GraphQLString, resolve=lambda _source, _info: "match"),
            "score": GraphQLField(GraphQLFloat, resolve=lambda _source, _info: None),
            "resource": GraphQLField(types[GROUP], resolve=lambda group, _info: group),
        },
        description="A group on a page.",
    )
    size = GraphQLField(GraphQLInt, resolve=lambda page, _info: page.size())
    return GraphQLObjectType(
        CONNECTION,
        {
            "count": GraphQLField(GraphQLInt, resolve=lambda page, _info: page.count()),
            "offset": GraphQLField(GraphQLInt, resolve=lambda page, _info: page.offset()),
            "pagesize": size,
            "pageSize": size,
            **{
                name: GraphQLField(GraphQLID, resolve=_cursor(name))
                for name in ("first", "previous", "next", "last")
            },
            "edges": GraphQLField(GraphQLList(edge), resolve=lambda page, _info: page.edges()),
        },
        description="A page of the groups that match, and cursors to its neighbours.",
    )


def _cursor(name: str) -> Any:
    return lambda page, _info: page.cursor(name)


def _one(type: str) -> Any:
    async def resolve(_source: Any, info: Any, **arguments: Any) -> Shown:
        given = [value for value in arguments.values() if value is not None]
        if len(given) != 1:
            raise BadUserInput("Give exactly one of `id` and `_id`.")
        return await read_instance(info.context, type, given[0])

    return resolve


async def _list(source: Any, info: Any, **arguments: Any) -> list[LazyResource]:
    context: FhirContext = info.context
    criteria = _criteria(context, source, info, arguments)
    groups = await context.services.searches.all(
        context.operation,
        criteria,
        offset=whole(arguments, OFFSET) or 0,
        count=whole(arguments, COUNT),
        keeps=_keeps(context, arguments.get(FHIRPATH)),
    )
    return [context.lazy(group) for group in groups]


def _connection(source: Any, info: Any, **arguments: Any) -> "LazyPage":
    context: FhirContext = info.context
    cursor = cursor_of(arguments)
    if cursor is not None:
        at = context.services.searches.decode(cursor)
    else:
        criteria = _criteria(context, source, info, arguments)
        count, offset = checked_count(arguments.get(COUNT)), whole(arguments, OFFSET) or 0
        at = PagePlace(criteria, count, offset=offset, path=arguments.get(FHIRPATH))
    return LazyPage(context, at, counted_alone=_selected(info) <= _NEEDS_NO_PAGE)


def _criteria(
    context: FhirContext, source: Any, info: Any, arguments: Mapping[str, Any]
) -> SearchCriteria:
    criteria = criteria_of(arguments, context.services.upstream_url)
    named = arguments.get(REFERENCE)
    if named is None:
        return criteria
    parameters = reverse_parameters(info.parent_type.name)
    name = named.replace("-", "_")
    if name not in parameters:
        said = " or ".join(f"`{parameter}`" for parameter in parameters)
        raise BadUserInput(f"Groups refer to resources of type {info.parent_type.name} by {said}.")
    if arguments.get(name) is not None:
        raise BadUserInput(f"`_reference: {name}` says already what `{name}` is to be.")
    if context.is_contained(source):  # nothing outside refers to it
        return SearchCriteria((Criterion("_id", ()),), (), criteria.base_url)
    back = Criterion(name.replace("_", "-"), (f"{info.parent_type.name}/{source.get('id')}",))
    return SearchCriteria((*criteria.criteria, back), criteria.sort, criteria.base_url)


def _selected(info: Any) -> set[str]:
    """Return the names of the fields that are selected of a page."""
    names, sets = set(), [node.selection_set for node in info.field_nodes]
    while sets:
        for node in sets.pop().selections:
            if isinstance(node, FieldNode):
                names.add(node.name.value)
            elif isinstance(node, FragmentSpreadNode):
                sets.append(info.fragments[node.name.value].selection_set)
            else:
                sets.append(node.selection_set)
    return names


def _keeps(context: FhirContext, path: str | None) -> Keeps | None:
    if path is None:
        return None
    fits = compile_path(path)
    return lambda group: fits(context.decoded(group), context.steps)


class LazyPage:
    """A page that fetches each part on demand."""

    def __init__(self, context: FhirContext, at: PagePlace, *, counted_alone: bool) -> None:
        self._is_counted_alone = counted_alone
        self._context = context
        self._at = at
        self._page: asyncio.Future[GroupPage] | None = None
        self._keeps = _keeps(context, at.path)

    async def count(self) -> int | None:
        """Return how many groups match in all; None when that is unknowable."""
        searches, operation = self._context.services.searches, self._context.operation
        if self._at.path is None and not self._is_counted_alone:
            page: GroupPage = await self._fetched()
            return await page.total()
        if self._at.path is not None:
            everything = await searches.all(
                operation, self._at.criteria, offset=0, count=None, keeps=self._keeps
            )
            return len(everything)
        return await searches.total(operation, self._at.criteria)

    async def offset(self) -> int | None:
        """Return how many groups precede the page; None when that is unknowable."""
        return (await self._fetched()).at.offset

    def size(self) -> int:
        """Return the size of the page."""
        return self._at.count

    async def edges(self) -> list[LazyResource]:
        """Return the groups on the page."""
        return [self._context.lazy(group) for group in (await self._fetched()).groups]

    async def cursor(self, name: str) -> str | None:
        """Return the cursor of a neighbour; None when there is none."""
        searches = self._context.services.searches
        if name == "first":
            first = PagePlace(self._at.criteria, self._at.count, path=self._at.path)
            return searches.encode(first)
        place = getattr(await self._fetched(), name)
        return None if place is None else searches.encode(place)

    async def _fetched(self) -> GroupPage:
        if self._page is None:
            searches = self._context.services.searches
            self._page = started(searches.page(self._context.operation, self._at, self._keeps))
        return await asyncio.shield(self._page)
