"""An operation's own deadline holds, whatever its groups travel with, and no other's."""

import asyncio
from typing import Any

import httpx
import pytest

from gateway.writing import Way
from group_gateway.cache.local_store import local_store
from group_gateway.cache.store import CacheStore
from group_gateway.digests import DigestKeys
from group_gateway.errors import UpstreamTimeout, UpstreamUnavailable
from group_gateway.fhir.page_link import PageLink
from group_gateway.groups.reading.capabilities.upstream_capabilities import UpstreamCapabilities
from group_gateway.groups.reading.loading.cache_slots import CacheSlots
from group_gateway.groups.reading.loading.group_fetcher import Lifetimes
from group_gateway.groups.reading.loading.group_loader import GroupLoader
from group_gateway.groups.reading.loading.search_pages import SearchPages
from group_gateway.operation import Caller, Operation
from group_gateway.sandbox.wellknown import JESS_ID, TEST_GROUP_ID
from group_gateway.upstream.client import GroupClient

UPSTREAM = "http://upstream.test"


class Gate(Way):
    """A way on which answers wait until it is open."""

    def __init__(self, sandbox: Any) -> None:
        super().__init__(sandbox)
        self.opening = asyncio.Event()

    async def answered(self, response: httpx.Response) -> None:  # noqa: ARG002 - whichever it is
        """Wait."""
        await self.opening.wait()


def parts(
    way: httpx.AsyncBaseTransport, **options: Any
) -> tuple[GroupClient, CacheStore, CacheSlots]:
    """Return what reads are made of; nothing is kept unless the cache's `options` say so."""
    cache = local_store(max_entries=100, max_bytes=100_000, **{"max_ttl": 0, **options})
    slots = CacheSlots(DigestKeys(bytes(16)), UPSTREAM)
    return GroupClient(UPSTREAM, way, call_timeout=60), cache, slots


def loader_over(way: httpx.AsyncBaseTransport, **options: Any) -> GroupLoader:
    """Return a loader of groups."""
    return GroupLoader(*parts(way, **options), UpstreamCapabilities(), Lifetimes())


def operation(seconds: float) -> Operation:
    """Return an operation with so much time."""
    end = asyncio.get_running_loop().time() + seconds
    return Operation(
        Caller("scope", "Bearer sandbox"), end, calls_left=50, elements=frozenset({"name"})
    )


class CutOff(httpx.AsyncBaseTransport):
    """A network on which a call's task is cancelled."""

    async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
        """Cancel it."""
        raise asyncio.CancelledError


async def test_a_load_that_is_cancelled() -> None:
    """Who waits for it is told, and does not wait for ever."""
    loader = loader_over(CutOff())
    async with asyncio.timeout(60):
        with pytest.raises(UpstreamUnavailable):
            await loader.load(operation(600), TEST_GROUP_ID)


async def test_an_operation_near_its_end(sandbox: Any) -> None:
    """One that has little time left ends in time, though another's groups share its call."""
    gate = Gate(sandbox)
    loader = loader_over(gate)
    soon = asyncio.ensure_future(loader.load(operation(0.2), TEST_GROUP_ID))
    later = asyncio.ensure_future(loader.load(operation(60), JESS_ID))
    with pytest.raises(UpstreamTimeout):
        await soon
    assert not later.done()
    gate.opening.set()
    group = await later
    assert group is not None
    assert group.id == JESS_ID
    assert len(sandbox.calls) == 1


async def test_everything_is_invalidated_while_loads_are_collected(sandbox: Any) -> None:
    """A group that is asked for again in the same tick is one of the search all the same."""
    gate = Gate(sandbox)
    gate.opening.set()
    loader = loader_over(gate)
    ids = (TEST_GROUP_ID, JESS_ID)
    loads = [asyncio.ensure_future(loader.load(operation(60), id)) for id in ids]
    asyncio.get_running_loop().call_soon(loader.forget, None)
    loads.append(asyncio.ensure_future(loader.load(operation(60), TEST_GROUP_ID)))
    async with asyncio.timeout(60):
        groups = await asyncio.gather(*loads)
    assert [group and group.id for group in groups] == [*ids, TEST_GROUP_ID]
    assert len(sandbox.calls) == 1


async def test_what_was_read_before_stands_in(sandbox: Any) -> None:
    """One that ends before its call does is shown what it read before, as it would be alone."""
    gate = Gate(sandbox)
    gate.opening.set()
    now = [0.0]
    loader = loader_over(gate, max_ttl=1, stale=600, clock=lambda: now[0])
    assert await loader.load(operation(60), TEST_GROUP_ID)
    now[0] = 60.0
    gate.opening.clear()
    short = operation(0.2)
    soon = asyncio.ensure_future(loader.load(short, TEST_GROUP_ID))
    later = asyncio.ensure_future(loader.load(operation(60), JESS_ID))
    group = await soon
    assert group is not None
    assert group.id == TEST_GROUP_ID
    assert short.stale is not None
    gate.opening.set()
    assert await later


async def test_a_group_that_another_asked_for(sandbox: Any) -> None:
    """A caller that joined a read which runs out of time gets another read, not a failure."""
    gate = Gate(sandbox)
    loader = loader_over(gate)
    soon = asyncio.ensure_future(loader.load(operation(0.2), JESS_ID))
    later = asyncio.ensure_future(loader.load(operation(60), JESS_ID))
    found = asyncio.ensure_future(loader.find(operation(60), JESS_ID))
    with pytest.raises(UpstreamTimeout):
        await soon
    gate.opening.set()
    for group in await asyncio.gather(later, found):
        assert group is not None
        assert group.id == JESS_ID
    assert len(sandbox.calls) == 2


async def test_a_page_that_another_asked_for(sandbox: Any) -> None:
    """So with pages of a search."""
    gate = Gate(sandbox)
    pages = SearchPages(*parts(gate), lifetime=0)
    link = PageLink((("_count", "1"),))
    soon = asyncio.ensure_future(pages.get(operation(0.2), link))
    later = asyncio.ensure_future(pages.get(operation(60), link))
    with pytest.raises(UpstreamTimeout):
        await soon
    gate.opening.set()
    assert len((await later).groups) == 1
    assert len(sandbox.calls) == 2
