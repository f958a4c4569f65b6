"""Arguments of fields, each with its description."""

from typing import Annotated

import strawberry
from strawberry import argument

from group_gateway.schema.enums import GroupType

GroupId = Annotated[strawberry.ID, argument(description="The group's logical id.")]
PatientId = Annotated[strawberry.ID, argument(description="The patient's logical id.")]
PractitionerId = Annotated[strawberry.ID, argument(description="The practitioner's logical id.")]
OfType = Annotated[GroupType | None, argument(description="Only groups with members of this kind.")]

First = Annotated[
    int | None,
    argument(description="How many groups, from the start or after `after`; default 20."),
]
After = Annotated[str | None, argument(description="The cursor of the group before the page.")]
Last = Annotated[
    int | None, argument(description="How many groups, from the end or before `before`.")
]
Before = Annotated[str | None, argument(description="The cursor of the group after the page.")]

Inactive = Annotated[
    bool | None,
    argument(description="Only inactive members, or with false only active ones."),
]
Offset = Annotated[int | None, argument(description="How many members to skip.")]
Count = Annotated[int | None, argument(description="How many members at most; default all.")]
FirstMembers = Annotated[
    int | None,
    argument(description="How many members, from the start or after `after`; default 100."),
]
FirstVersions = Annotated[
    int | None,
    argument(description="How many versions, from the newest or after `after`; default 20."),
]
AfterVersion = Annotated[
    str | None,
    argument(description="The cursor of the version before the page, which has older ones."),
]
AfterMember = Annotated[
    str | None, argument(description="The cursor of the member before the page.")
]
