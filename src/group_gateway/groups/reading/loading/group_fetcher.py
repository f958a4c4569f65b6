"""Fetch groups that the cache does not hold: by id lists if the upstream supports them.

Groups that a list search omits are read one by one, because only a read distinguishes absent from
forbidden. These reads are skipped if no waiter needs the distinction and the search is known to be
complete.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from group_gateway.cache.store import CacheStore
from group_gateway.concurrency import BackgroundTasks
from group_gateway.errors import Forbidden, GatewayError, UpstreamTimeout
from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.group_elements import RESOURCE_ELEMENTS
from group_gateway.fhir.page_link import PageLink
from group_gateway.groups.reading.capabilities.paging_support import is_refusal
from group_gateway.groups.reading.capabilities.upstream_capabilities import UpstreamCapabilities
from group_gateway.groups.reading.loading.cache_slots import unpack
from group_gateway.groups.reading.loading.group_load import Found, IdListing, Miss
from group_gateway.groups.reading.loading.pending_result import (
    charge,
    longest_remaining,
    refund,
)
from group_gateway.groups.reading.loading.stale_if_error import stale_if_error, vanished
from group_gateway.groups.reading.pages.upstream_page import Page
from group_gateway.operation import Caller
from group_gateway.upstream.client import GroupClient

_LONGEST_LIST = 100
"""Ids in one search: the upstream's page maximum, and well below common limits for URLs."""
_GRACE = 0.1
"""Grace period, in seconds, by which a batched load may exceed its deadline."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds that entries live: groups, search pages, absence."""

    group: float = 30.0
    search: float = 10.0
    absence: float = 5.0


class _NotByList(Exception):
    """The upstream does not support searches by id lists."""


class GroupFetcher:
    """Fetch groups for one caller at a time, resolve their pending results, and fill the cache."""

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
        self._results = capabilities.whole_results
        self._lifetimes = lifetimes
        self._tasks = BackgroundTasks()

    def fetch(self, caller: Caller, misses: Sequence[Miss]) -> Awaitable[object]:
        """Resolve or reject every pending result, each by its own deadline."""
        return self._read(caller, misses[0]) if len(misses) == 1 else self._fetch(caller, misses)

    async def _fetch(self, caller: Caller, misses: Sequence[Miss]) -> None:
        timers = self._deadline_timers(misses)
        try:
            listed = [miss for miss in misses if not miss.pending.alone]
            if len(listed) < 2 or not self._lists_work:  # noqa: PLR2004 - a list has two
                await self._read_all(caller, misses)
                return
            lists = [listed[i : i + _LONGEST_LIST] for i in range(0, len(listed), _LONGEST_LIST)]
            await asyncio.gather(
                *(self._fetch_list(caller, each) for each in lists),
                *(self._read(caller, miss) for miss in misses if miss.pending.alone),
            )
        finally:
            for timer in timers:
                timer.cancel()

    @property
    def _lists_work(self) -> bool:
        return self._lists.worth_trying and not self._results.omit()

    def _deadline_timers(self, misses: Sequence[Miss]) -> list[asyncio.TimerHandle]:
        """Reject results at their own deadlines, if a shared call may take longer."""
        ends = {miss.pending.deadline for miss in misses}
        last = max(ends) - _GRACE
        if min(ends) >= last:  # as those of one operation always do
            return []
        early = [miss for miss in misses if miss.pending.deadline < last]
        call_at = asyncio.get_running_loop().call_at
        return [call_at(miss.pending.deadline, self._end, miss) for miss in early]

    def _end(self, miss: Miss) -> None:
        late = UpstreamTimeout("The upstream did not answer in time.")
        self._tasks.spawn(self._fail([miss], late))

    async def _fetch_list(self, caller: Caller, misses: Sequence[Miss]) -> None:
        listing = IdListing({miss.id: miss for miss in misses})
        left = listing.left
        supported, complete = True, False
        try:
            complete = await self._search(caller, listing)
        except _NotByList:
            supported = False
            listing.release()
        except Forbidden:
            listing.release()  # the refusal may be about searches, or about one of the groups
        except Exception as error:  # noqa: BLE001 - handed to those who wait
            listing.release()
            await self._fail(list(left.values()), error)
            return
        works = supported and len(misses) - len(left) + len(listing.doubted) > 1
        if not works:
            refund(listing.paid)  # failed list searches must not exhaust the budget for reads
        settles = works and complete
        unread = [
            miss
            for miss in left.values()
            if miss.id in listing.doubted or not (settles and _settle(miss))
        ]
        await vanished(self._cache, [miss.slot for miss in left.values() if miss not in unread])
        found = await self._read_all(caller, unread)
        self._compare(listing, misses)
        await self._settle_held(caller, listing)
        if works or (found and (complete or not supported)):
            self._lists.learn(works=works)

    def _compare(self, listing: IdListing, misses: Sequence[Miss]) -> None:
        """Learn from reads whether the search omitted elements."""
        results = {miss.id: miss.pending for miss in misses}
        for id, group in listing.doubted.items():
            if not group.is_subsetted:
                self._results.compare(group, results[id].value)

    async def _settle_held(self, caller: Caller, listing: IdListing) -> None:
        """Resolve the results that were held back; read their groups if the search omits some."""
        if self._results.omit():
            await self._read_all(caller, [miss for miss, _ in listing.held])
        else:
            await self._keep_listed(listing.held)

    async def _search(self, caller: Caller, listing: IdListing) -> bool:
        """Search by an id list, and resolve the pending results of the groups found.

        Returns whether the upstream is known to have returned everything. Raises _NotByList.
        """
        left = listing.left
        query = (("_id", ",".join(left)), ("_count", str(len(left))))
        wanted, link = frozenset(left), PageLink(query)
        while True:
            results = [miss.pending for miss in left.values()]
            listing.paid += charge(results)
            again = partial(charge, results)
            try:
                content = await self._client.search(caller, link, longest_remaining(results), again)
            except GatewayError as error:
                if is_refusal(error):
                    raise _NotByList from error
                raise
            page = Page.of(content, link, filtered=True)
            if not wanted.issuperset(page.ids):
                raise _NotByList
            if not await self._take(content, listing) or page.next is None:
                return page.next is None and not content.broken
            link = page.next

    async def _take(self, content: Searchset, listing: IdListing) -> bool:
        """Resolve the results of a page's groups; return whether the next page is worth a call."""
        doubts = self._results.doubts(content.groups, listing.elements, listing.calls_left)
        unsure = {*doubts.subsetted, *doubts.samples}
        found: list[tuple[Miss, Found]] = []
        for group in content.groups:
            miss = listing.left.get(group.id)
            if miss is None:
                continue
            if group.id in unsure or (group.id in doubts.suspects and miss.shows_members):
                listing.doubted[group.id] = group
                continue
            del listing.left[group.id]
            found.append((miss, group))
        if doubts.samples:
            listing.held += found
        else:
            await self._keep_listed(found)
        return bool(found) and bool(listing.left) and not content.broken

    async def _read_all(self, caller: Caller, misses: Iterable[Miss]) -> bool:
        """Read one by one; return whether any was found."""
        reads = [self._read(caller, miss) for miss in misses]
        if len(reads) == 1:  # a task for a single read would cost as much as the read
            return await reads[0]
        return any(await asyncio.gather(*reads))

    async def _read(self, caller: Caller, miss: Miss) -> bool:
        try:
            results = [miss.pending]
            charge(results)
            again = partial(charge, results)
            resource = await self._client.read(caller, miss.id, longest_remaining(results), again)
        except Exception as error:  # noqa: BLE001 - one bad id does not fail its batch
            await self._fail([miss], error)
            return False
        if resource is not None:
            self._results.note(resource)
        await self._keep([(miss, resource)])
        return resource is not None

    async def _fail(self, misses: Sequence[Miss], failure: Exception) -> None:
        """Reject results, or resolve them with stale entries where allowed."""
        slots = [miss.slot for miss in misses]
        before = await stale_if_error(self._cache, slots, failure, self._lifetimes.group)
        for miss, recalled in zip(misses, before, strict=True):
            group = unpack(recalled.value) if recalled else None
            if recalled and group:
                miss.pending.resolve_stale(group, recalled.age)
            else:
                miss.pending.reject(failure)

    async def _keep_listed(self, found: Sequence[tuple[Miss, Found]]) -> None:
        """Keep results of a search, of which some elements may be unknown."""
        if not self._results.are_settled(RESOURCE_ELEMENTS):
            for _, group in found:
                if group is not None and group.id not in self._results.compared:
                    group.may_lack_elements = True
        await self._keep(found)

    async def _keep(self, found: Iterable[tuple[Miss, Found]]) -> None:
        kept: list[tuple[Miss, Found]] = []
        for miss, resource in found:
            ttl = self._lifetimes.absence if resource is None else self._lifetimes.group
            miss.pending.resolve(resource, self._cache.dependency(miss.slot, miss.lookup, ttl))
            if miss.lookup.position is not None:
                kept.append((miss, resource))
        present = [miss.entry(resource) for miss, resource in kept if resource is not None]
        absent = [miss.entry(None) for miss, resource in kept if resource is None]
        if absent:
            await vanished(self._cache, [slot for slot, _, _ in absent])
        if present:
            await self._cache.put(present, self._lifetimes.group)
        if absent:
            await self._cache.put(absent, self._lifetimes.absence)


def _settle(miss: Miss) -> bool:
    """Resolve the load of an invisible group, if no waiter needs the reason."""
    if miss.pending.exact:
        return False
    miss.pending.resolve(None)
    return True
