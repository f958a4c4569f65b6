"""The types of `Group.history`: the versions of a group."""

import strawberry

from group_gateway.schema import version_history
from group_gateway.schema.group import Group, PageInfo


@strawberry.type(description="A version of a group.")
class GroupVersion:
    """A version of a group."""

    version: str | None = strawberry.field(
        description="The upstream's id of the version: `meta.versionId`."
    )
    when: str | None = strawberry.field(description="When it was made: a FHIR instant.")
    who: str | None = strawberry.field(
        resolver=version_history.who,
        description="Who made it: the reference of a Provenance's agent, or `meta.source`; null "
        "where the upstream does not say.",
    )
    group: Group | None = strawberry.field(
        description="The group as it was then; null if the group was deleted."
    )


@strawberry.type(description="A version of a group on a page.")
class GroupVersionEdge:
    """Relay's edge for versions."""

    node: GroupVersion = strawberry.field(description="The version.")
    cursor: str = strawberry.field(description="Its position, for `after`.")


@strawberry.type(description="A page of a group's versions, the newest first.")
class GroupHistoryConnection:
    """Relay's connection for versions."""

    edges: list[GroupVersionEdge] = strawberry.field(description="The versions with their cursors.")
    nodes: list[GroupVersion] = strawberry.field(description="The versions.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
