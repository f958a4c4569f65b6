"""The root of all subscriptions."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry
from strawberry import argument

from group_gateway.groups.watching.watches import GroupEvent
from group_gateway.schema.arguments import GroupId
from group_gateway.schema.context import Info
from group_gateway.schema.group import Group

SinceVersion = Annotated[
    str | None,
    argument(
        description="The `version` that the client has: if the group is another by now the first "
        "event comes at once, so that none is lost between a query and the subscription."
    ),
]


def group_changed(
    info: Info, id: GroupId, since_version: SinceVersion = strawberry.UNSET
) -> AsyncGenerator[GroupEvent, None]:
    """Give an event for each change of a group; `execution` makes its operation the event's."""
    return info.context.changes(id, since_version or None)


@strawberry.type(
    description="What clients are told without asking again. Off unless the deployment wants it."
)
class Subscription:
    """The subscription root."""

    group_changed: Group | None = strawberry.subscription(  # type: ignore[assignment]  # a field
        resolver=group_changed,
        graphql_type=AsyncGenerator[Group | None, None],
        description="The group as it is now, each time that it has become another `version`: by a "
        "write through the gateway at once, by other people's within the poll interval. Changes "
        "in quick succession may come as one. When the group is gone, null and the end.",
    )
