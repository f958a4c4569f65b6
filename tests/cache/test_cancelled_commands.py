"""A command to Redis ends when its task is cancelled, in whatever step it is."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from cli.commands import PATIENCE
from group_gateway.cache.redis.redis_cache import RedisCache
from group_gateway.cache.redis.topology import topology_of
from redis_server import redis_server
from replicas.redis_topologies import cluster

STEPS = 60
"""Turns of the event loop, more than a command takes until it waits for the response."""


@pytest.mark.parametrize("topology", ["single", "cluster"])
async def test_a_cancelled_command(topology: str, tmp_path: Path) -> None:
    """Its connection is used no more, so that the response can't be taken for another's."""
    async with AsyncExitStack() as stack:
        if topology == "single":
            url = stack.enter_context(redis_server(tmp_path)).url
        else:
            url = (await stack.enter_async_context(cluster(tmp_path))).url
        cache = await stack.enter_async_context(RedisCache(topology_of(url, timeout=60)))
        for steps in range(STEPS):
            assert await _answer(cache, "warm") == b"warm"
            command = asyncio.create_task(_slow(cache))
            for _ in range(steps):
                await asyncio.sleep(0)
            command.cancel()
            await asyncio.wait([command], timeout=PATIENCE)
            assert command.cancelled()
            assert await _answer(cache, str(steps)) == str(steps).encode()


async def _slow(cache: RedisCache) -> Any:
    return await cache.client.blpop(["never"], timeout=0)


async def _answer(cache: RedisCache, text: str) -> Any:
    return await cache.evaluate("return ARGV[1]", ["never"], [text])
