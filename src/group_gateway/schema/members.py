"""Members of one group: filtered, cut, and paged inside a large group. Resolvers of `Group`."""

from dataclasses import dataclass
from typing import Any

import strawberry

from group_gateway.errors import BadUserInput
from group_gateway.fhir.reference import entity_reference
from group_gateway.fhir.resource import GroupResource
from group_gateway.groups.connection import Paging
from group_gateway.groups.cursor import Cursors
from group_gateway.groups.listing import window
from group_gateway.schema.arguments import AfterMember, Count, FirstMembers, Inactive, Offset
from group_gateway.schema.context import Info
from group_gateway.schema.elements import Element, objects

DEFAULT_PAGE = 100
LARGEST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class MemberEdgeSource:
    """A member and its cursor."""

    node: Element
    cursor: str


@dataclass(frozen=True, slots=True)
class MemberSlice:
    """A page of members, as the `MemberConnection` type shows it."""

    edges: list[MemberEdgeSource]
    has_next_page: bool
    has_previous_page: bool
    total_count: int

    @property
    def nodes(self) -> list[Element]:
        """The members themselves."""
        return [edge.node for edge in self.edges]

    @property
    def page_info(self) -> "MemberSlice":
        """Itself: it has the fields of PageInfo too."""
        return self

    @property
    def start_cursor(self) -> str | None:
        """The first edge's cursor."""
        return self.edges[0].cursor if self.edges else None

    @property
    def end_cursor(self) -> str | None:
        """The last edge's cursor."""
        return self.edges[-1].cursor if self.edges else None


def member(
    parent: strawberry.Parent[Any],
    info: Info,
    *,
    inactive: Inactive = strawberry.UNSET,
    offset: Offset = strawberry.UNSET,
    count: Count = strawberry.UNSET,
) -> list[Element]:
    """Give the members that are (in)active, from `offset` on, at most `count`."""
    members = _members(parent, info, inactive=inactive)
    start = _natural("offset", offset) or 0
    length = _natural("count", count)
    return members[start:] if length is None else members[start : start + length]


def members(
    parent: strawberry.Parent[Any],
    info: Info,
    *,
    inactive: Inactive = strawberry.UNSET,
    first: FirstMembers = strawberry.UNSET,
    after: AfterMember = strawberry.UNSET,
) -> MemberSlice:
    """Give a page of the members that are (in)active."""
    count = _natural("first", first)
    if count is not None and count > LARGEST_PAGE:
        raise BadUserInput(f"`first` takes a number from 0 to {LARGEST_PAGE}.")
    chosen = _members(parent, info, inactive=inactive)
    question = f"members {_group_id(parent)} {inactive if inactive in {True, False} else None}"
    cursors = Cursors(info.context.services.keys, question)
    position = _position(chosen, cursors.decode(after)) if after else None
    paging = Paging(DEFAULT_PAGE if count is None else count, backward=False, cursor=None)
    start, stop = window(len(chosen), paging, position)
    edges = [
        MemberEdgeSource(node, cursors.encode([start + i, _reference(node)]))
        for i, node in enumerate(chosen[start:stop])
    ]
    return MemberSlice(edges, stop < len(chosen), start > 0, len(chosen))


def _members(parent: object, info: Info, *, inactive: bool | None) -> list[Element]:
    found = objects(parent, "member", info)
    if inactive is None or inactive is strawberry.UNSET:
        return found
    return [item for item in found if (item.get("inactive") is True) == inactive]


def _position(chosen: list[Element], position: list[Any]) -> int:
    """Find the member that a cursor stands on, also after others came or went before it."""
    index, reference = position
    if index < len(chosen) and _reference(chosen[index]) == reference:
        return int(index)
    moved = [i for i, item in enumerate(chosen) if _reference(item) == reference]
    return moved[0] if moved and reference is not None else int(index) - 1


def _reference(item: Element) -> str | None:
    reference = entity_reference(item)
    return None if reference is None else str(reference)


def _group_id(parent: object) -> str:
    return parent.id if isinstance(parent, GroupResource) else ""


def _natural(name: str, value: int | None) -> int | None:
    if value is None or value is strawberry.UNSET:
        return None
    if value < 0:
        raise BadUserInput(f"`{name}` can't be negative.")
    return value
