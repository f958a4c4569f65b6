"""The root of all subscriptions."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry
from strawberry import argument

from group_gateway.groups.watching.group_list import GroupList
from group_gateway.groups.watching.group_watches import GroupEvent
from group_gateway.groups.watching.list_watches import ListEvent
from group_gateway.schema.arguments import GroupId
from group_gateway.schema.context import Info
from group_gateway.schema.group import Group, GroupChange
from group_gateway.schema.group_filter import Filter, wanted_by
from group_gateway.schema.input_fields import given

SinceVersion = Annotated[
    str | None,
    argument(
        description="The `version` that the client has: if the group is another by now the first "
        "event comes at once, so that none is lost between a query and the subscription."
    ),
]
ListIds = Annotated[
    list[strawberry.ID] | None,
    argument(description="Only these groups, 200 at most. With a filter, those that match it."),
]


def group_changed(
    info: Info, id: GroupId, since_version: SinceVersion = strawberry.UNSET
) -> AsyncGenerator[GroupEvent, None]:
    """Return the changes of a group. Each event has an operation of its own."""
    return info.context.changes(id, since_version or None)


def groups_changed(
    info: Info,
    filter: Filter = strawberry.UNSET,  # noqa: A002 - the contract's name
    ids: ListIds = strawberry.UNSET,
) -> AsyncGenerator[ListEvent, None]:
    """Return the changes of a list of groups. Each event has an operation of its own."""
    wanted = wanted_by(given(filter), info.context.services.upstream_url)
    by_filter = given(filter.id) if filter else None
    lists = [each for each in (by_filter, given(ids)) if each is not None]
    named = [id for id in lists[0] if all(id in other for other in lists)] if lists else None
    return info.context.list_changes(
        GroupList(wanted, None if named is None else tuple(dict.fromkeys(map(str, named))))
    )


@strawberry.type(
    description="Changes, sent to clients as they happen. Off unless the deployment enables it."
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
    groups_changed: GroupChange = strawberry.subscription(  # type: ignore[assignment]  # a field
        resolver=groups_changed,
        graphql_type=AsyncGenerator[GroupChange, None],
        description="Each group that came into a list, changed in it, or left it: by a write "
        "through the gateway at once, by other people's within the poll interval. One "
        "subscription for a whole screen; the list has 1000 groups at most.",
    )
