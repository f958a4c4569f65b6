"""An operation's own deadline holds, whatever its groups travel with."""

import asyncio
from typing import Any

import httpx
import pytest

from gateway.writing import Way
from group_gateway.cache.backend import memory_backend
from group_gateway.cache.keys import KeyRing
from group_gateway.cache.store import CacheStore
from group_gateway.errors import UpstreamTimeout
from group_gateway.groups.reading.fetching import Lifetimes
from group_gateway.groups.reading.knowledge import UpstreamKnowledge
from group_gateway.groups.reading.loader import GroupLoader
from group_gateway.groups.reading.snapshot import Slots
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


def loader_over(way: httpx.AsyncBaseTransport) -> GroupLoader:
    """Give a loader that keeps nothing."""
    return GroupLoader(
        GroupClient(UPSTREAM, way, call_timeout=60),
        CacheStore(memory_backend(max_entries=1, max_bytes=1), max_ttl=0),
        Slots(KeyRing(bytes(16)), UPSTREAM),
        UpstreamKnowledge(),
        Lifetimes(),
    )


async def test_an_operation_near_its_end(sandbox: Any) -> None:
    """One that has little time left ends in time, though another's groups share its call."""
    gate = Gate(sandbox)
    loader = loader_over(gate)
    caller = Caller("scope", "Bearer sandbox")
    now = asyncio.get_running_loop().time()
    short, long = (Operation(caller, now + seconds, calls_left=50) for seconds in (0.2, 60))
    soon = asyncio.ensure_future(loader.load(short, TEST_GROUP_ID))
    later = asyncio.ensure_future(loader.load(long, JESS_ID))
    with pytest.raises(UpstreamTimeout):
        await soon
    assert not later.done()
    gate.opening.set()
    group = await later
    assert group is not None
    assert group.id == JESS_ID
    assert len(sandbox.calls) == 1
