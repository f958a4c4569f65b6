"""Fetches groups that the cache does not hold: by id lists where that works.

What a list search leaves out is read singly, because only a read tells absent from forbidden;
unless nobody needs the difference, and the search is known to be complete.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from group_gateway.cache.entries import Lookup, Slot
from group_gateway.cache.store import CacheStore
from group_gateway.errors import Forbidden, GatewayError, UpstreamTimeout
from group_gateway.fhir.bundle import PageLink
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.cache_slots import pack, unpack
from group_gateway.groups.reading.capabilities import UpstreamCapabilities
from group_gateway.groups.reading.flights import Flight, charge, refund, within
from group_gateway.groups.reading.pagination import Page
from group_gateway.groups.reading.search_parameters import is_refusal
from group_gateway.groups.reading.stale_if_error import stale_if_error, vanished
from group_gateway.operation import Caller, Operation
from group_gateway.upstream.client import GroupClient

Found = GroupResource | None
_LONGEST_LIST = 100
"""Ids in one search: the upstream's page maximum, and well below common limits for URLs."""
_CLOSE = 0.1
"""Seconds that a flight may outlast its own deadline for the sake of those it travels with."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds that entries live: groups, search pages, absence."""

    group: float = 30.0
    search: float = 10.0
    absence: float = 5.0


class GroupFlight(Flight[Found]):
    """A group under way. `exact`: somebody must be told absent from forbidden."""

    def __init__(self, operation: Operation, id: str) -> None:
        super().__init__(operation)
        self.id = id
        self.tag: str | None = None
        """What invalidates it, once it has been looked up."""
        self.exact = False


@dataclass(frozen=True, slots=True)
class Miss:
    """A flight whose group is not in the cache, and where it is to be kept."""

    flight: GroupFlight
    slot: Slot
    lookup: Lookup

    @property
    def id(self) -> str:
        """The id of the group."""
        return self.flight.id


class _NotByList(Exception):
    """The upstream does not search by id lists."""


class GroupFetcher:
    """Fetches groups for one caller at a time, lands their flights, and fills the cache."""

    def __init__(
        self,
        client: GroupClient,
        cache: CacheStore,
        capabilities: UpstreamCapabilities,
        lifetimes: Lifetimes,
    ) -> None:
        self._client = client
        self._cache = cache
        self._lists = capabilities.id_lists
        self._lifetimes = lifetimes
        self._ending: set[asyncio.Task[None]] = set()

    async def fetch(self, caller: Caller, misses: Sequence[Miss]) -> None:
        """Land or crash every flight, each for itself and by its own deadline."""
        timers = self._own_ends(misses)
        try:
            if len(misses) > 1 and self._lists.worth_trying:
                chunks = range(0, len(misses), _LONGEST_LIST)
                await asyncio.gather(
                    *(self._fetch_list(caller, misses[i : i + _LONGEST_LIST]) for i in chunks)
                )
            else:
                await self._read_all(caller, misses)
        finally:
            for timer in timers:
                timer.cancel()

    def _own_ends(self, misses: Sequence[Miss]) -> list[asyncio.TimerHandle]:
        """Have flights end in time where a call that they share may take until a later end."""
        ends = {miss.flight.deadline for miss in misses}
        last = max(ends) - _CLOSE
        if min(ends) >= last:  # as those of one operation always do
            return []
        early = [miss for miss in misses if miss.flight.deadline < last]
        call_at = asyncio.get_running_loop().call_at
        return [call_at(miss.flight.deadline, self._end, miss) for miss in early]

    def _end(self, miss: Miss) -> None:
        late = UpstreamTimeout("The upstream did not answer in time.")
        task = asyncio.create_task(self._fail([miss], late))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _fetch_list(self, caller: Caller, misses: Sequence[Miss]) -> None:
        left = {miss.id: miss for miss in misses}
        paid: list[Operation] = []
        supported, complete = True, False
        try:
            complete = await self._search(caller, left, paid)
        except _NotByList:
            supported = False
        except Forbidden:
            pass  # the reads will tell: it may be about searches, or about one of the groups
        except Exception as error:  # noqa: BLE001 - handed to those who wait
            await self._fail(list(left.values()), error)
            return
        works = supported and len(misses) - len(left) > 1
        if not works:
            refund(paid)  # an attempt must not cost the last read its place in the budget
        unread = [miss for miss in left.values() if not (works and complete and _settle(miss))]
        await vanished(self._cache, [miss.slot for miss in left.values() if miss not in unread])
        found = await self._read_all(caller, unread)
        if works or (found and (complete or not supported)):
            self._lists.learn(works=works)

    async def _search(self, caller: Caller, left: dict[str, Miss], paid: list[Operation]) -> bool:
        """Search by an id list and take what is found out of `left`; note who `paid`.

        Tells whether the upstream is known to have given all that it has. Raises _NotByList.
        """
        query = (("_id", ",".join(left)), ("_count", str(len(left))))
        wanted, link = frozenset(left), PageLink(query)
        while True:
            flights = [miss.flight for miss in left.values()]
            paid += charge(flights)
            again = partial(charge, flights)
            try:
                content = await self._client.search(caller, link, within(flights), again)
            except GatewayError as error:
                if is_refusal(error):
                    raise _NotByList from error
                raise
            page = Page.of(content, link, filtered=True)
            if not wanted.issuperset(page.ids):
                raise _NotByList
            found = [(left.pop(group.id), group) for group in page.groups if group.id in left]
            await self._keep(found)
            if page.next is None or not found or not left or content.broken:
                return page.next is None and not content.broken
            link = page.next

    async def _read_all(self, caller: Caller, misses: Iterable[Miss]) -> bool:
        """Read one by one; tell whether any was found."""
        reads = [self._read(caller, miss) for miss in misses]
        if len(reads) == 1:  # a task for a single read would cost as much as the read
            return await reads[0]
        return any(await asyncio.gather(*reads))

    async def _read(self, caller: Caller, miss: Miss) -> bool:
        try:
            charge([miss.flight])
            again = partial(charge, [miss.flight])
            resource = await self._client.read(caller, miss.id, within([miss.flight]), again)
        except Exception as error:  # noqa: BLE001 - one bad id does not fail its batch
            await self._fail([miss], error)
            return False
        await self._keep([(miss, resource)])
        return resource is not None

    async def _fail(self, misses: Sequence[Miss], failure: Exception) -> None:
        """End flights with a failure, or with what was read before if it may stand in."""
        slots = [miss.slot for miss in misses]
        before = await stale_if_error(self._cache, slots, failure, self._lifetimes.group)
        for miss, recalled in zip(misses, before, strict=True):
            group = unpack(recalled.value) if recalled else None
            if recalled and group:
                miss.flight.land_outdated(group, recalled.age)
            else:
                miss.flight.crash(failure)

    async def _keep(self, found: Iterable[tuple[Miss, Found]]) -> None:
        present: list[tuple[Slot, Lookup, bytes]] = []
        absent: list[tuple[Slot, Lookup, bytes]] = []
        for miss, resource in found:
            entries, ttl = (
                (absent, self._lifetimes.absence)
                if resource is None
                else (present, self._lifetimes.group)
            )
            miss.flight.land(resource, self._cache.part(miss.slot, miss.lookup, ttl))
            if miss.lookup.position is not None:
                entries.append((miss.slot, miss.lookup, pack(resource)))
        if absent:
            await vanished(self._cache, [slot for slot, _, _ in absent])
        if present:
            await self._cache.put(present, self._lifetimes.group)
        if absent:
            await self._cache.put(absent, self._lifetimes.absence)


def _settle(miss: Miss) -> bool:
    """Land the flight of a group that can't be seen, if nobody asks why."""
    if miss.flight.exact:
        return False
    miss.flight.land(None)
    return True
