"""Members of one group: filtered, cut, and paged inside a large group. Resolvers of `Group`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import strawberry

from group_gateway.errors import BadUserInput
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.literal_reference import entity_reference
from group_gateway.groups.reading.connections.cursor import Cursors
from group_gateway.schema.arguments import AfterMember, Count, FirstMembers, Inactive, Offset
from group_gateway.schema.context import Info
from group_gateway.schema.elements import Element, objects
from group_gateway.schema.input_fields import given

DEFAULT_PAGE = 100
LARGEST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class MemberEdgeSource:
    """A member and its cursor, which is made on demand."""

    node: Element
    index: int
    cursors: Cursors

    @property
    def cursor(self) -> str:
        """The member's opaque position."""
        return self.cursors.encode([self.index, _reference(self.node)])


@dataclass(frozen=True, slots=True)
class MemberPage:
    """The members from index `start` up to `stop`, as the `MemberConnection` type shows them."""

    members: Sequence[Element]
    start: int
    stop: int
    cursors: Cursors

    @property
    def edges(self) -> list[MemberEdgeSource]:
        """The members with their cursors."""
        return [self._edge(index) for index in range(self.start, self.stop)]

    @property
    def nodes(self) -> Sequence[Element]:
        """The members themselves."""
        return self.members[self.start : self.stop]

    @property
    def total_count(self) -> int:
        """How many members there are on all pages."""
        return len(self.members)

    @property
    def page_info(self) -> "MemberPage":
        """Itself: it has the fields of PageInfo too."""
        return self

    @property
    def has_next_page(self) -> bool:
        """Whether more members follow."""
        return self.stop < len(self.members)

    @property
    def has_previous_page(self) -> bool:
        """Whether there are members before."""
        return self.start > 0

    @property
    def start_cursor(self) -> str | None:
        """The first edge's cursor."""
        return self._edge(self.start).cursor if self.start < self.stop else None

    @property
    def end_cursor(self) -> str | None:
        """The last edge's cursor."""
        return self._edge(self.stop - 1).cursor if self.start < self.stop else None

    def _edge(self, index: int) -> MemberEdgeSource:
        return MemberEdgeSource(self.members[index], index, self.cursors)


def member(
    parent: strawberry.Parent[Any],
    info: Info,
    *,
    inactive: Inactive = strawberry.UNSET,
    offset: Offset = strawberry.UNSET,
    count: Count = strawberry.UNSET,
) -> list[Element]:
    """Return the members that are (in)active, from `offset` on, at most `count`."""
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
) -> MemberPage:
    """Return a page of the members that are (in)active."""
    count = _natural("first", first)
    if count is None:
        count = DEFAULT_PAGE
    if count > LARGEST_PAGE:
        raise BadUserInput(f"`first` takes a number from 0 to {LARGEST_PAGE}.")
    chosen = _members(parent, info, inactive=inactive)
    search_text = f"members {_group_id(parent)} {given(inactive)}"
    cursors = Cursors(info.context.services.keys, search_text)
    cursor = given(after)
    start = 0 if cursor is None else _index_after(chosen, *cursors.decode(cursor))
    start = min(start, len(chosen))
    return MemberPage(chosen, start, min(start + count, len(chosen)), cursors)


def _members(parent: object, info: Info, *, inactive: bool | None) -> list[Element]:
    found = objects(parent, "member", info)
    wanted = given(inactive)
    if wanted is None:
        return found
    return [item for item in found if (item.get("inactive") is True) == wanted]


def _index_after(chosen: Sequence[Element], index: int, reference: str | None) -> int:
    """Return the index after a cursor's member, also if members were added or removed.

    A member that is gone left its index to the next one.
    """
    if index < len(chosen) and _reference(chosen[index]) == reference:
        return index + 1
    moved = [i for i, item in enumerate(chosen) if _reference(item) == reference]
    if reference is None or not moved:
        return index
    return min(moved, key=lambda i: abs(i - index)) + 1


def _reference(item: Element) -> str | None:
    reference = entity_reference(item)
    return None if reference is None else str(reference)


def _group_id(parent: object) -> str:
    return parent.id if isinstance(parent, GroupResource) else ""


def _natural(name: str, value: int | None) -> int | None:
    number = given(value)
    if number is not None and number < 0:
        raise BadUserInput(f"`{name}` can't be negative.")
    return number
