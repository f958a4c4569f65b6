"""Faults of Redis in the middle of a load.

No response is wrong because of them and no write is lost. The metrics count the faults, and the
gateways share again within seconds.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Sandbox
from redis_server import RedisServer, redis_server
from redis_wire import redis_wire
from replicas.conftest import Pair
from replicas.redis_topologies import told, until
from replicas.sharing import is_left_alone, under_load, until_sharing

READS = 40
"""While a fault lasts."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a Redis."""
    with redis_server(tmp_path) as server:
        yield server


@pytest.mark.parametrize(
    "command",
    ["CLIENT KILL TYPE normal", "FLUSHALL", "CLIENT PAUSE 1500 ALL", "CLIENT PAUSE 1500 WRITE",
     "DEBUG RELOAD"],
)  # fmt: skip
async def test_a_command_of_an_administrator(
    pair: Pair, sandbox: Sandbox, tmp_path: Path, command: str
) -> None:
    """It comes again and again."""
    options = ("--enable-debug-command", "yes") if "DEBUG" in command else ()  # unknown before 7.0
    with redis_server(tmp_path, *options) as redis:
        gateways = await pair(redis.url)
        async with under_load(gateways, sandbox) as load:
            for _ in range(3):
                await asyncio.to_thread(told, redis.port, *command.split())
                await load.more(READS)


@pytest.mark.parametrize("policy", ["noeviction", "allkeys-lru"])
async def test_a_full_memory(pair: Pair, sandbox: Sandbox, redis: RedisServer, policy: str) -> None:
    """Redis refuses what is new, or drops what it has, the stream too."""
    gateways = await pair(redis.url)
    async with under_load(gateways, sandbox) as load:
        await asyncio.to_thread(told, redis.port, "CONFIG", "SET", "maxmemory-policy", policy)
        await asyncio.to_thread(told, redis.port, "CONFIG", "SET", "maxmemory", "1000")
        await load.more(3 * READS)
        if policy == "noeviction":
            assert await is_left_alone(gateways[0])
        await asyncio.to_thread(told, redis.port, "CONFIG", "SET", "maxmemory", "0")


async def test_a_password_that_changes(pair: Pair, sandbox: Sandbox, redis: RedisServer) -> None:
    """A gateway with the old password works without Redis, until it is right again."""
    await asyncio.to_thread(told, redis.port, "CONFIG", "SET", "requirepass", "first")
    gateways = await pair(redis.url.replace("//", "//:first@"))
    async with under_load(gateways, sandbox) as load:
        first, second = ("--no-auth-warning", "-a", "first"), ("--no-auth-warning", "-a", "second")
        await asyncio.to_thread(told, redis.port, *first, "CONFIG", "SET", "requirepass", "second")
        await asyncio.to_thread(told, redis.port, *second, "CLIENT", "KILL", "TYPE", "normal")
        while not await is_left_alone(gateways[0]):
            await load.more(1)
        await load.more(READS)
        await asyncio.to_thread(told, redis.port, *second, "CONFIG", "SET", "requirepass", "first")


async def test_a_server_that_takes_no_writes_for_a_while(
    pair: Pair, sandbox: Sandbox, redis: RedisServer
) -> None:
    """It is told to follow a primary that is not there, and then not to."""
    gateways = await pair(redis.url)
    async with under_load(gateways, sandbox) as load:
        await asyncio.to_thread(told, redis.port, "REPLICAOF", "127.0.0.1", "1")
        while not await is_left_alone(gateways[0]):
            await load.more(1)
        await load.more(READS)
        await asyncio.to_thread(told, redis.port, "REPLICAOF", "NO", "ONE")


async def test_a_name_that_leads_to_another_primary(
    pair: Pair, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The old primary lives on as a replica, and keeps the connections that it has."""
    folders = [tmp_path / name for name in ("old", "new")]
    for folder in folders:
        folder.mkdir()
    with redis_server(folders[0]) as old, redis_server(folders[1]) as new:
        follow = ("REPLICAOF", "127.0.0.1")
        await asyncio.to_thread(told, new.port, *follow, str(old.port))
        await until(lambda: "master_link_status:up" in told(new.port, "INFO"), "a replica")
        async with redis_wire(old.port) as wire:
            gateways = await pair(wire.url)
            await until_sharing(gateways, sandbox)
            async with under_load(gateways, sandbox) as load:
                await asyncio.to_thread(told, new.port, "REPLICAOF", "NO", "ONE")
                await asyncio.to_thread(told, old.port, *follow, str(new.port))
                wire.target = new.port
                await load.more(READS)


async def test_a_distant_redis(pair: Pair, sandbox: Sandbox, redis: RedisServer) -> None:
    """To connect takes longer than a call may; the calls after it find the connection ready."""
    async with redis_wire(redis.port) as wire:
        wire.distance = 0.4
        gateways = await pair(wire.url, cache_timeout=0.2)
        await until_sharing(gateways, sandbox)
