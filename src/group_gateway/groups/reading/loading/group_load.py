"""Pending loads of groups, and the state of a search for several of them by their ids."""

from dataclasses import dataclass, field

import msgspec

from group_gateway.cache.entries import Lookup, Slot
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.loading.cache_slots import pack
from group_gateway.groups.reading.loading.pending_result import PendingResult
from group_gateway.operation import Operation

Found = GroupResource | None


class GroupLoad(PendingResult[Found]):
    """The pending load of a group.

    `exact`: a waiter needs absent distinguished from forbidden. `alone`: the group must be read by
    itself.
    """

    def __init__(self, operation: Operation, id: str) -> None:
        super().__init__(operation)
        self.id = id
        self.tag: str | None = None
        """The tag that invalidates it, once it has been looked up."""
        self.exact = False
        self.alone = False

    @property
    def has_left(self) -> bool:
        """Whether it has been looked up, so that it may lack later changes."""
        return self.tag is not None

    @property
    def elements(self) -> frozenset[str]:
        """The elements that the waiters may show."""
        return frozenset[str]().union(*(operation.elements for operation in self.operations))


class Miss(msgspec.Struct, frozen=True):
    """A pending result whose group is not in the cache, and the slot for its entry."""

    pending: GroupLoad
    slot: Slot
    lookup: Lookup

    @property
    def id(self) -> str:
        """The id of the group."""
        return self.pending.id

    def entry(self, found: Found) -> tuple[Slot, Lookup, bytes]:
        """Return the cache entry of what was found."""
        return self.slot, self.lookup, pack(found)

    @property
    def shows_members(self) -> bool:
        """Whether a waiter may show members."""
        return "member" in self.pending.elements


@dataclass(slots=True)
class IdListing:
    """A search by an id list: the pending loads that are `left`, and the operations that `paid`.

    Results that may lack elements are `doubted` and stay in `left`. Results are `held` back until
    some of them have been compared with reads.
    """

    left: dict[str, Miss]
    paid: list[Operation] = field(default_factory=list)
    doubted: dict[str, GroupResource] = field(default_factory=dict)
    held: list[tuple[Miss, Found]] = field(default_factory=list)

    @property
    def elements(self) -> frozenset[str]:
        """The elements that the waiters of the pending loads may show."""
        loads = [miss.pending for miss in self.left.values()]
        different = {operation.elements for load in loads for operation in load.operations}
        return frozenset[str]().union(*different)

    @property
    def calls_left(self) -> int:
        """The upstream calls that each of the waiting operations may still make."""
        loads = [miss.pending for miss in self.left.values()]
        return min((op.calls_left for load in loads for op in load.operations), default=0)

    def release(self) -> None:
        """Leave the results that are held back to reads."""
        self.left.update((miss.id, miss) for miss, _ in self.held)
        self.held.clear()
