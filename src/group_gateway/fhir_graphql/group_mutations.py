"""`GroupCreate`, `GroupUpdate` and `GroupDelete`: the root `Mutation`."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLID,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
)

from group_gateway.errors import (
    BadUserInput,
    Conflict,
    Forbidden,
    GatewayError,
    Gone,
    NotFound,
    Refused,
)
from group_gateway.fhir_graphql.element_types import ElementTypes
from group_gateway.fhir_graphql.fhir_context import FhirContext, LazyResource, Resource
from group_gateway.fhir_graphql.model import GROUP, load_model
from group_gateway.fhir_graphql.resource_inputs import InputTypes, group_of
from group_gateway.groups.writing.changes import Change, DeleteGroup
from group_gateway.groups.writing.creation import NewGroup
from group_gateway.groups.writing.input_validation import member_type_issues, refuse
from group_gateway.groups.writing.replacement import ReplaceGroup
from group_gateway.groups.writing.write_requests import Outcome
from group_gateway.logical_ids import checked_id

_SERVERS_OWN: Final = frozenset({"id", "resourceType"})
_ARGUMENTS: Final = ("res", "resource")


def mutation_type(types: ElementTypes, inputs: InputTypes) -> GraphQLObjectType:
    """Return the root type of mutations."""
    resource = {
        name: GraphQLArgument(inputs[GROUP], description="The group; give one of the two.")
        for name in _ARGUMENTS
    }
    id = GraphQLArgument(GraphQLNonNull(GraphQLID), description="Its logical id.")
    version = GraphQLArgument(GraphQLString, description="Do it only if this is still its version.")
    deletion = GraphQLObjectType(
        "GroupDeletion", {"id": GraphQLField(GraphQLID)}, description="A group that was deleted."
    )
    return GraphQLObjectType(
        "Mutation",
        {
            "GroupCreate": GraphQLField(
                types[GROUP],
                args=resource,
                resolve=_create,
                description="Create a group; its id is the server's to choose.",
            ),
            "GroupUpdate": GraphQLField(
                types[GROUP],
                args={"id": id, **resource, "ifVersion": version},
                resolve=_update,
                description="Replace a group by this one.",
            ),
            "GroupDelete": GraphQLField(
                deletion,
                args={"id": id, "ifVersion": version},
                resolve=_delete,
                description="Delete a group; null when it is gone.",
            ),
        },
    )


async def _create(_source: Any, info: Any, **arguments: Any) -> LazyResource | None:
    context: FhirContext = info.context
    resource = _resource_in(arguments)
    refuse(member_type_issues(resource, "member"))
    new = NewGroup({k: v for k, v in resource.items() if k not in _SERVERS_OWN})
    outcome = await context.services.writes.create(context.operation, new)
    _warn(context, outcome)
    return _stored(context, outcome)


async def _update(
    _source: Any,
    info: Any,
    *,
    id: str,
    ifVersion: str | None = None,  # noqa: N803 - the argument's name
    **arguments: Any,
) -> LazyResource | None:
    context: FhirContext = info.context
    resource = _resource_in(arguments)
    if resource.get("id", id) != id:
        raise BadUserInput("`id` and the resource's own `id` differ.")
    version = ifVersion
    if version is None:
        version = (resource.get("meta") or {}).get("versionId")
    replacing = ReplaceGroup(resource, load_model().types[GROUP].keys())
    return _stored(context, await _change(context, id, replacing, version))


async def _delete(
    _source: Any,
    info: Any,
    *,
    id: str,
    ifVersion: str | None = None,  # noqa: N803 - the argument's name
) -> None:
    context: FhirContext = info.context
    await _change(context, id, DeleteGroup(), ifVersion)
    context.operation.record_written(id)


async def _change(context: FhirContext, id: str, change: Change, version: str | None) -> Outcome:
    """Change a group; raise if it was not changed."""
    context.operation.record_attempt(checked_id(id))
    based_on = None if version is None else _version_token(version)
    try:
        outcome = await context.services.writes.change(context.operation, id, change, based_on)
        _warn(context, outcome)
    except NotFound:
        await _raise_gone(context, id)
        raise
    return outcome


async def _raise_gone(context: FhirContext, id: str) -> None:
    """Raise Gone for a deleted group: writes can't distinguish it from an unknown one."""
    try:
        await context.services.resources.get(context.operation, GROUP, id)
    except Gone:
        raise
    except GatewayError:  # the caller learns why the write failed, and not why this read did
        return


def _version_token(text: str) -> str:
    """Return our token for a version, given that or FHIR's `meta.versionId`."""
    if text.startswith(("v-", "h-")):
        return text
    return "v-" + text.removeprefix("W/").strip('"')


def _resource_in(arguments: Mapping[str, Any]) -> Resource:
    given = [arguments[name] for name in _ARGUMENTS if arguments.get(name) is not None]
    if len(given) != 1:
        raise BadUserInput("Give the group as exactly one of `res` and `resource`.")
    return group_of(given[0], load_model())


def _stored(context: FhirContext, outcome: Outcome) -> LazyResource | None:
    """Return the stored group if the caller may read it."""
    if outcome.group is None:
        return None
    context.operation.record_read((outcome.group.id,))
    context.operation.record_written(outcome.group.id)
    try:
        context.operation.caller.require("read")
    except Forbidden:  # a write-only caller gets no data
        return None
    return context.lazy(outcome.group)


def _warn(context: FhirContext, outcome: Outcome) -> None:
    """Record an outcome's warnings; raise its error, if it has one."""
    errors = [issue for issue in outcome.issues if issue.severity in {"error", "fatal"}]
    if errors:
        first = errors[0]
        kind = Conflict if outcome.status == HTTPStatus.PRECONDITION_FAILED else _kind(first.code)
        failure = kind(first.text or "The change was refused.", issues=(first,))
        failure.status = outcome.status
        raise failure
    context.warnings += outcome.issues


def _kind(issue: str) -> type[GatewayError]:
    match issue:
        case "conflict":
            return Conflict
        case "not-found":
            return NotFound
        case "deleted":
            return Gone
        case "forbidden":
            return Forbidden
    return Refused
