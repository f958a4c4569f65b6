"""Search pages, from cache or upstream, each fetched once at a time."""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial

import msgspec

from group_gateway.cache.entries import Slot
from group_gateway.cache.store import CacheStore
from group_gateway.concurrency import BackgroundTasks
from group_gateway.errors import GatewayError, UpstreamTimeout
from group_gateway.fhir.bundle import NotASearchset, Searchset
from group_gateway.fhir.page_link import PageLink
from group_gateway.groups.reading.loading.cache_slots import CacheSlots
from group_gateway.groups.reading.loading.pending_result import (
    PendingResult,
    charge,
    longest_remaining,
)
from group_gateway.groups.reading.loading.stale_if_error import stale_if_error
from group_gateway.groups.reading.pages.parsed_pages import ParsedPages
from group_gateway.groups.reading.pages.parsed_walks import ParsedWalk, ParsedWalks
from group_gateway.operation import CacheDependency, Caller, Operation
from group_gateway.upstream.client import GroupClient


class SearchPages:
    """Pages for all callers of a process; entries live `lifetime` seconds."""

    def __init__(
        self, client: GroupClient, cache: CacheStore, slots: CacheSlots, *, lifetime: float
    ) -> None:
        self._client = client
        self._cache = cache
        self._slots = slots
        self._lifetime = lifetime
        self._parsed = ParsedPages()
        self._walks = ParsedWalks()
        self._pending: dict[str, PendingResult[Searchset]] = {}
        self._tasks = BackgroundTasks()

    async def get(self, operation: Operation, link: PageLink) -> Searchset:
        """Return the page behind `link` as this caller may see it."""
        key = (operation.caller.scope, link)
        kept = self._parsed.get(key)
        if kept is not None:
            if await self._holds(kept.dependency):
                operation.depends_on(kept.dependency)
                return kept.page
            self._parsed.drop(key)
        slot = self._slots.search(operation.caller, _canonical(link))
        while True:
            pending = self._join(operation, link, slot)
            try:
                return await pending.wait(operation)
            except UpstreamTimeout:
                if not pending.ran_out(operation):
                    raise

    async def walk(self, operation: Operation, link: PageLink) -> ParsedWalk | None:
        """Return the walk over a whole list that began behind `link`, as long as it is valid.

        It is the caller's to record that the response depends on it.
        """
        key = (operation.caller.scope, link)
        walk = self._walks.get(key)
        if walk is None or await self._holds(walk.dependency):
            return walk
        self._walks.drop(key)
        return None

    def keep_walk(self, operation: Operation, pages: Sequence[tuple[PageLink, Searchset]]) -> None:
        """Keep a walk over a whole list in which no group came twice, if its pages are kept."""
        scope = operation.caller.scope
        parsed = self._parsed.all(scope, pages)
        if parsed:
            self._walks.put((scope, parsed[0].link), parsed)

    async def _holds(self, dependency: CacheDependency) -> bool:
        """Return whether a cache entry is still valid; wait only if others share the cache."""
        holds = self._cache.holds_now([dependency])
        return await self._cache.holds([dependency]) if holds is None else holds

    def _join(self, operation: Operation, link: PageLink, slot: Slot) -> PendingResult[Searchset]:
        pending = self._pending.get(slot.key)
        if pending is None or not self._cache.may_join(pending.began):
            pending = self._pending[slot.key] = PendingResult(operation)
            self._tasks.spawn(self._run(operation.caller, link, slot, pending))
        elif operation not in pending.operations:
            pending.operations.append(operation)
        return pending

    def _keep(
        self, key: tuple[str, PageLink], page: Searchset, dependency: CacheDependency | None
    ) -> None:
        if dependency is not None and self._lifetime > 0:
            self._parsed.put(key, page, dependency)

    def forget(self) -> None:
        """Exclude results from joining that may have started before a write."""
        self._pending.clear()
        self._parsed.clear()
        self._walks.clear()

    async def _run(
        self, caller: Caller, link: PageLink, slot: Slot, pending: PendingResult[Searchset]
    ) -> None:
        try:
            await self._fetch(caller, link, slot, pending)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - handed to those who wait
            pending.reject(error)
        finally:
            if self._pending.get(slot.key) is pending:
                del self._pending[slot.key]

    async def _fetch(
        self, caller: Caller, link: PageLink, slot: Slot, pending: PendingResult[Searchset]
    ) -> None:
        [lookup] = await self._cache.lookup([slot])
        dependency = self._cache.dependency(slot, lookup, self._lifetime)
        if lookup.value is not None:
            with contextlib.suppress(NotASearchset):  # not a valid entry
                page = self._client.searchset(lookup.value, link)
                self._keep((caller.scope, link), page, dependency)
                pending.resolve(page, dependency)
                return
        charge([pending])
        try:
            page = await self._client.search(
                caller, link, longest_remaining([pending]), partial(charge, [pending])
            )
        except GatewayError as failure:
            [recalled] = await stale_if_error(self._cache, [slot], failure, self._lifetime)
            if recalled is None:
                raise
            pending.resolve_stale(self._client.searchset(recalled.value, link), recalled.age)
            return
        if page.broken:  # is requested again, so that a repair shows at once
            pending.resolve(page)
            return
        self._keep((caller.scope, link), page, dependency)
        pending.resolve(page, dependency)
        await self._cache.put([(slot, lookup, page.raw)], self._lifetime)


def _canonical(link: PageLink) -> str:
    return msgspec.json.encode((link.path, link.query, link.text)).decode()
