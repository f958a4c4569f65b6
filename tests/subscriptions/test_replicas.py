"""Subscriptions on replicas that share a Redis: writes through any, and one poll for all."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from redis_server import RedisServer, redis_server
from subscriptions.listening import changed

RARELY = 3600.0


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a Redis."""
    with redis_server(tmp_path) as server:
        yield server


async def test_a_write_through_another_replica_comes_at_once(serve, redis):
    """A write is sent long before any poll, each time, to all subscribers of all replicas."""
    shared = {"cache_url": redis.url, "subscription_interval": RARELY}
    servers = [await serve(**shared) for _ in range(3)]
    delays = []
    async with AsyncExitStack() as stack:
        talks = [await stack.enter_async_context(server.introduced()) for server in servers]
        for talk in talks:
            await talk.listen()
        for number in range(15):
            began = time.monotonic()
            await servers[number % 3].rename(f"Changed {number}")
            for talk in talks:
                assert changed(await talk.hear())["name"] == f"Changed {number}"
            delays.append(time.monotonic() - began)
    print(f"median of write and three events: {sorted(delays)[7] * 1000:.1f} ms")  # noqa: T201


async def test_one_replica_polls_for_all(serve, sandbox, elsewhere, redis):
    """Three replicas cost no more polls than one, and all get what one of them finds."""
    shared = {"cache_url": redis.url, "subscription_interval": 1.0}
    servers = [await serve(**shared) for _ in range(3)]
    async with AsyncExitStack() as stack:
        talks = [await stack.enter_async_context(server.introduced()) for server in servers]
        for talk in talks:
            await talk.listen()
        sandbox.forget_calls()
        began = time.monotonic()
        await asyncio.sleep(4)  # polls come by the clock alone
        polls = sum(call == f"GET /Group/{TEST_GROUP_ID}" for call in sandbox.calls)
        assert 0 < polls <= (time.monotonic() - began) / 0.85 + 1
        await elsewhere("Changed elsewhere")
        for talk in talks:
            assert changed(await talk.hear())["name"] == "Changed elsewhere"


async def test_a_poller_that_dies_is_replaced(serve, elsewhere, redis):
    """Whoever is left polls on within an interval; without Redis each polls for itself."""
    shared = {"cache_url": redis.url, "subscription_interval": 1.0}
    first, second = [await serve(**shared) for _ in range(2)]
    async with second.introduced() as talk:
        async with first.introduced() as other:
            await other.listen()
            await talk.listen()
        first.stop()
        await elsewhere("Changed once")
        assert changed(await talk.hear())["name"] == "Changed once"
        redis.kill()
        await elsewhere("Changed twice")
        assert changed(await talk.hear())["name"] == "Changed twice"
