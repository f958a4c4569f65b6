"""Inputs of mutations. A field of an update is a `Maybe`: omitted keeps, null clears."""

from typing import Any

import strawberry
from strawberry import Maybe, Some

from group_gateway.schema.enums import GroupType
from group_gateway.schema.input_fields import optional
from group_gateway.schema.values import (
    CharacteristicInput,
    CodeableConceptInput,
    ElementInput,
    IdentifierInput,
    MemberInput,
    MemberReferenceInput,
    ReferenceInput,
    given_in,
    to_fhir,
)


@strawberry.input(description="A group to create.")
class CreateGroupInput(ElementInput):
    """The input of createGroup."""

    type: GroupType = strawberry.field(description="What it is made of.")
    name: str = strawberry.field(description="Its name, 1 to 1000 characters.")
    active: bool | None = optional("Whether it is in use.")
    actual: bool | None = optional("Whether it has known members; default true.")
    code: CodeableConceptInput | None = optional("The kind of members.")
    identifier: list[IdentifierInput] | None = optional("Business identifiers.")
    managing_entity: ReferenceInput | None = optional("Who is responsible.")
    characteristic: list[CharacteristicInput] | None = optional("Traits of the members.")
    responsibilities: list[str] | None = optional("A team's responsibilities.")
    member: list[MemberInput] | None = optional("The members, 10000 at most.")


@strawberry.input(
    description="What to change of a group: an omitted field stays as it is, null clears it, "
    "a value sets it."
)
class UpdateGroupInput:
    """The input of updateGroup."""

    id: strawberry.ID = strawberry.field(description="The group to change.")
    type: Maybe[GroupType | None] = strawberry.field(
        description="What it is made of; can't be cleared."
    )
    name: Maybe[str | None] = strawberry.field(description="Its name; can't be cleared.")
    active: Maybe[bool | None] = strawberry.field(description="Whether it is in use.")
    actual: Maybe[bool | None] = strawberry.field(
        description="Whether it has known members; can't be cleared."
    )
    code: Maybe[CodeableConceptInput | None] = strawberry.field(description="The kind of members.")
    identifier: Maybe[list[IdentifierInput] | None] = strawberry.field(
        description="All business identifiers."
    )
    managing_entity: Maybe[ReferenceInput | None] = strawberry.field(
        description="Who is responsible."
    )
    characteristic: Maybe[list[CharacteristicInput] | None] = strawberry.field(
        description="All traits; responsibilities are among them."
    )
    member: Maybe[list[MemberInput] | None] = strawberry.field(
        description="All members. To add or remove some, use the mutations for that: they can't "
        "undo a colleague's edit."
    )
    if_version: str | None = optional("Change it only if this is still its `version`.")


@strawberry.input(description="Members to add to a group.")
class AddGroupMembersInput:
    """The input of addGroupMembers."""

    group_id: strawberry.ID = strawberry.field(description="The group.")
    members: list[MemberInput] = strawberry.field(description="The members to add, 10000 at most.")
    if_version: str | None = optional("Change it only if this is still its `version`.")


@strawberry.input(description="Members to remove from a group.")
class RemoveGroupMembersInput:
    """The input of removeGroupMembers."""

    group_id: strawberry.ID = strawberry.field(description="The group.")
    members: list[MemberReferenceInput] = strawberry.field(
        description="The members to remove, 10000 at most."
    )
    if_version: str | None = optional("Change it only if this is still its `version`.")


@strawberry.input(description="The responsibilities that a team is to have.")
class SetGroupResponsibilitiesInput:
    """The input of setGroupResponsibilities."""

    group_id: strawberry.ID = strawberry.field(description="The team.")
    responsibilities: list[str] = strawberry.field(
        description="All that it is to have; others are removed."
    )
    if_version: str | None = optional("Change it only if this is still its `version`.")


@strawberry.input(description="A group to delete.")
class DeleteGroupInput:
    """The input of deleteGroup."""

    id: strawberry.ID = strawberry.field(description="The group.")
    if_version: str | None = optional("Delete it only if this is still its `version`.")


def changes_in(input: UpdateGroupInput) -> dict[str, Any]:  # noqa: A002 - the contract's name
    """Return the elements that an update names, by FHIR's names; None for those to clear.

    FHIR has no empty lists: an empty one clears.
    """
    given = {name: f.value for name, f in given_in(input).items() if isinstance(f, Some)}
    return {name: None if value == [] else to_fhir(value) for name, value in given.items()}
