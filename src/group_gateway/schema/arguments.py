"""Arguments of fields, each with its description."""

from typing import Annotated

import strawberry
from strawberry import argument

from group_gateway.schema.enums import GroupType

GroupId = Annotated[strawberry.ID, argument(description="The group's logical id.")]
PatientId = Annotated[strawberry.ID, argument(description="The patient's logical id.")]
PractitionerId = Annotated[strawberry.ID, argument(description="The practitioner's logical id.")]
OfType = Annotated[GroupType | None, argument(description="Only groups made of this.")]

First = Annotated[
    int | None,
    argument(description="How many groups, from the start or from `after` on: 20 unless told."),
]
After = Annotated[str | None, argument(description="The cursor of the group to go on behind.")]
Last = Annotated[
    int | None, argument(description="How many groups, from the end or from `before` back.")
]
Before = Annotated[str | None, argument(description="The cursor of the group to end before.")]

Inactive = Annotated[
    bool | None,
    argument(description="Only members who are inactive, or with false only those who are not."),
]
Offset = Annotated[int | None, argument(description="How many members to leave out first.")]
Count = Annotated[int | None, argument(description="How many members at most; all unless told.")]
FirstMembers = Annotated[
    int | None,
    argument(description="How many members, from the start or from `after` on: 100 unless told."),
]
FirstVersions = Annotated[
    int | None,
    argument(description="How many versions, from the newest or from `after` on: 20 unless told."),
]
AfterVersion = Annotated[
    str | None, argument(description="The cursor of the version to go on behind, to older ones.")
]
AfterMember = Annotated[
    str | None, argument(description="The cursor of the member to go on behind.")
]
