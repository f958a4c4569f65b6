"""The root of all writes. Errors that the caller can correct are issues, not GraphQL errors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import strawberry
import strawberry.federation
from strawberry import argument

from group_gateway.errors import Forbidden, GatewayError, Refused
from group_gateway.fhir.group_elements import GROUP
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.literal_reference import relative_to
from group_gateway.fhir.operation_outcome import Issue
from group_gateway.groups.writing.changes import (
    Change,
    DeleteGroup,
    SetElements,
    SetResponsibilities,
)
from group_gateway.groups.writing.creation import NewGroup
from group_gateway.groups.writing.input_validation import id_issues, refuse
from group_gateway.groups.writing.memberships import AddMembers
from group_gateway.groups.writing.write_requests import Outcome
from group_gateway.schema import input_checks
from group_gateway.schema.context import Info
from group_gateway.schema.datatypes import CodeableConcept
from group_gateway.schema.elements import resolved
from group_gateway.schema.enums import IssueSeverity
from group_gateway.schema.group import Group
from group_gateway.schema.input_fields import given
from group_gateway.schema.inputs import (
    AddGroupMembersInput,
    CreateGroupInput,
    DeleteGroupInput,
    RemoveGroupMembersInput,
    SetGroupResponsibilitiesInput,
    UpdateGroupInput,
    changes_in,
)
from group_gateway.schema.values import to_fhir


def issue_details(parent: strawberry.Parent[Any]) -> dict[str, Any] | None:
    """Return an issue's details as a CodeableConcept."""
    details: dict[str, Any] = {"text": parent.text or None, "coding": list(parent.coding)}
    return details if parent.text or parent.coding else None


@strawberry.federation.type(
    shareable=True, description="One finding about a write (FHIR R4 OperationOutcome.issue)."
)
class OperationOutcomeIssue:
    """FHIR R4's OperationOutcome.issue, with the input that it is about."""

    severity: IssueSeverity = strawberry.field(description="How bad it is.")
    code: str = strawberry.field(description="The kind of issue (value set issue-type).")
    details: CodeableConcept | None = resolved(
        issue_details, CodeableConcept | None, "What it is, in words to show to people."
    )
    diagnostics: str | None = strawberry.field(description="More, for developers.")
    expression: list[str] = strawberry.field(description="FHIRPaths of the elements concerned.")
    input_path: list[str] = strawberry.field(
        description="Where in `input` it is, outermost first; list indexes as digits."
    )


@strawberry.type(description="The outcome of a write.")
class GroupPayload:
    """The result of every mutation."""

    group: Group | None = strawberry.field(
        description="The group as it is now: after the write, or, on a conflict, as others left "
        "it. Null when it was not created or does not exist, or when the input alone is wrong."
    )
    issues: list[OperationOutcomeIssue] = strawberry.field(
        description="Errors: nothing was written. Warnings: not everything was stored as requested."
    )


@strawberry.type(description="The outcome of a deletion.")
class DeleteGroupPayload:
    """The result of deleteGroup."""

    id: strawberry.ID | None = strawberry.field(
        description="The deleted group's id; null when it was not deleted."
    )
    group: Group | None = strawberry.field(
        description="The group as it is now, where it is not deleted; null when it is gone."
    )
    issues: list[OperationOutcomeIssue] = strawberry.field(
        description="Errors: it was not deleted; `not-supported` where the upstream deletes none."
    )


@dataclass(frozen=True, slots=True)
class Payload:
    """The value of the payload types. An error in place of the group becomes that field's error.

    `id` is that of a deleted group.
    """

    group: GroupResource | GatewayError | None
    issues: tuple[Issue, ...]
    id: str | None = None


Creation = Annotated[CreateGroupInput, argument(description="What to create.")]
Update = Annotated[UpdateGroupInput, argument(description="What to change.")]
Addition = Annotated[AddGroupMembersInput, argument(description="Whom to add, to which group.")]
Removal = Annotated[
    RemoveGroupMembersInput, argument(description="Whom to remove, from which group.")
]
Assignment = Annotated[
    SetGroupResponsibilitiesInput, argument(description="Which responsibilities, of which team.")
]


Deletion = Annotated[DeleteGroupInput, argument(description="Which group to delete.")]


async def _change(info: Info, id: str, change: Change, if_version: str | None) -> Payload:
    context = info.context
    context.operation.record_attempt(id)
    outcome = await context.services.writes.change(context.operation, id, change, if_version)
    return _payload(info, outcome)


def _payload(info: Info, outcome: Outcome) -> Payload:
    operation = info.context.operation
    if outcome.group is not None:
        operation.record_read((outcome.group.id,))
        if not outcome.is_refused:
            operation.record_written(outcome.group.id)
    try:
        if outcome.group is not None:
            info.context.operation.caller.require("read")
    except Forbidden as refusal:  # a write-only caller gets no data
        return Payload(refusal, outcome.issues)
    return Payload(outcome.group, outcome.issues)


def _refusal(refused: Refused) -> Payload:
    return Payload(None, refused.issues)


async def create_group(info: Info, input: Creation) -> Payload:  # noqa: A002 - contract
    """Create a group."""
    context = info.context
    responsibilities = tuple(input.responsibilities or ())
    draft = {name: value for name, value in input.to_fhir().items() if name in GROUP}
    draft.setdefault("actual", True)
    _localize(draft.get("member"), info)
    try:
        refuse(input_checks.creation_issues(draft, responsibilities))
    except Refused as refused:
        return _refusal(refused)
    new = NewGroup(draft, responsibilities)
    return _payload(info, await context.services.writes.create(context.operation, new))


async def update_group(info: Info, input: Update) -> Payload:  # noqa: A002 - contract
    """Change elements of a group."""
    values = changes_in(input)
    _localize(values.get("member"), info)
    try:
        refuse(input_checks.update_issues(input.id, values))
    except Refused as refused:
        return _refusal(refused)
    change = SetElements(values, info.context.services.upstream_url)
    return await _change(info, input.id, change, given(input.if_version))


async def add_group_members(info: Info, input: Addition) -> Payload:  # noqa: A002 - contract
    """Add members to a group."""
    members = to_fhir(input.members)
    _localize(members, info)
    try:
        refuse(input_checks.addition_issues(input.group_id, members))
    except Refused as refused:
        return _refusal(refused)
    change = AddMembers(tuple(members), info.context.services.upstream_url)
    return await _change(info, input.group_id, change, given(input.if_version))


async def remove_group_members(info: Info, input: Removal) -> Payload:  # noqa: A002 - contract
    """Remove members from a group."""
    members = to_fhir(input.members)
    try:
        refuse(input_checks.removal_issues(input.group_id, members))
    except Refused as refused:
        return _refusal(refused)
    change = info.context.services.writes.removal(members)
    return await _change(info, input.group_id, change, given(input.if_version))


async def set_group_responsibilities(info: Info, input: Assignment) -> Payload:  # noqa: A002 - contract
    """Set a team's responsibilities."""
    codes = tuple(input.responsibilities)
    try:
        refuse(input_checks.responsibilities_issues(input.group_id, codes))
    except Refused as refused:
        return _refusal(refused)
    return await _change(info, input.group_id, SetResponsibilities(codes), given(input.if_version))


async def delete_group(info: Info, input: Deletion) -> Payload:  # noqa: A002 - contract
    """Delete a group."""
    try:
        refuse(id_issues(input.id, "id"))
    except Refused as refused:
        return _refusal(refused)
    payload = await _change(info, input.id, DeleteGroup(), given(input.if_version))
    if payload.group is not None or any(issue.severity == "error" for issue in payload.issues):
        return payload
    info.context.operation.record_written(input.id)
    return replace(payload, id=input.id)


def _localize(members: Sequence[dict[str, Any]] | None, info: Info) -> None:
    """Make references into the upstream itself relative, as the upstream has them."""
    for member in members or ():
        entity = member["entity"]
        if "reference" in entity:
            base_url = info.context.services.upstream_url
            entity["reference"] = relative_to(entity["reference"], base_url)


def _mutation(resolver: Any, description: str, payload: Any = GroupPayload) -> Any:
    return strawberry.mutation(
        resolver=resolver, graphql_type=payload | None, description=description
    )


@strawberry.type(
    description="Writes of groups. They keep every element that they don't name, and never "
    "overwrite what a colleague changed in the meantime."
)
class Mutation:
    """The mutation root."""

    create_group: GroupPayload | None = _mutation(
        create_group, "Create a group. Sent once, never again."
    )
    update_group: GroupPayload | None = _mutation(
        update_group, "Change elements of a group, unless somebody else changed it meanwhile."
    )
    add_group_members: GroupPayload | None = _mutation(
        add_group_members, "Add members, whoever else is editing the group."
    )
    remove_group_members: GroupPayload | None = _mutation(
        remove_group_members, "Remove members, whoever else is editing the group."
    )
    set_group_responsibilities: GroupPayload | None = _mutation(
        set_group_responsibilities, "Make a team's responsibilities exactly these."
    )
    delete_group: DeleteGroupPayload | None = _mutation(
        delete_group, "Delete a group, where the upstream can.", DeleteGroupPayload
    )
