"""`groupsChanged` on replicas that share a Redis, and pollers that are killed."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from cli.commands import Server as Process
from cli.commands import serving
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from redis_server import RedisServer, redis_server
from subscriptions.listening import PATIENCE, Server, changed
from subscriptions.test_lists import CREATE, PATIENTS, change, follow

INTERVAL = 1.0
RARELY = 3600.0


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a Redis."""
    with redis_server(tmp_path) as server:
        yield server


async def test_a_change_of_a_list_through_any_replica_comes_to_all(serve, redis):
    """Renamed and new groups are sent long before any poll."""
    shared = {"cache_url": redis.url, "subscription_interval": RARELY}
    servers = [await serve(**shared) for _ in range(3)]
    async with AsyncExitStack() as stack:
        talks = [await stack.enter_async_context(server.introduced()) for server in servers]
        for server, talk in zip(servers, talks, strict=True):
            await follow(server, talk, filter=PATIENTS)
        for number, server in enumerate(servers):
            await server.rename(f"Changed {number}")
            for talk in talks:
                assert change(await talk.hear())["group"]["name"] == f"Changed {number}"
        member = [{"reference": f"Patient/{PATIENTS['patient']}"}]
        new = {"name": "New", "type": "PERSON", "member": member}
        await servers[1].gateway.data(CREATE, input=new)
        for talk in talks:
            assert change(await talk.hear())["group"]["name"] == "New"


@pytest.mark.parametrize("asked", [{"filter": PATIENTS}, {"ids": [TEST_GROUP_ID]}])
async def test_one_replica_polls_a_list_for_all(serve, sandbox, elsewhere, redis, asked):
    """Three replicas cost no more polls than one, and all get what one of them finds."""
    shared = {"cache_url": redis.url, "subscription_interval": INTERVAL}
    servers = [await serve(**shared) for _ in range(3)]
    async with AsyncExitStack() as stack:
        talks = [await stack.enter_async_context(server.introduced()) for server in servers]
        for server, talk in zip(servers, talks, strict=True):
            await follow(server, talk, **asked)
        sandbox.forget_calls()
        began = time.monotonic()
        while (polls := await _polls(servers)) < 6:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.05)
        assert polls <= (time.monotonic() - began) / (0.85 * INTERVAL) + 2
        await elsewhere("Changed elsewhere")
        for talk in talks:
            assert change(await talk.hear())["group"]["name"] == "Changed elsewhere"


async def _polls(servers: list[Server]) -> float:
    kinds = ("unchanged", "changed")
    counts = [await each.metric("polls_total", outcome=kind) for each in servers for kind in kinds]
    return sum(counts)


@dataclass
class Fleet:
    """Two replicas as processes of their own, on a sandbox that is one too."""

    processes: list[Process]
    servers: list[Server]
    upstream: httpx.AsyncClient

    async def rename(self, name: str) -> None:
        """Change the test group around the replicas."""
        place = f"/Group/{TEST_GROUP_ID}"
        group = (await self.upstream.get(place)).json()
        (await self.upstream.put(place, json=group | {"name": name})).raise_for_status()

    async def poller(self) -> int:
        """Wait for the next poll; return who made it."""
        before = [await _polls([server]) for server in self.servers]
        async with asyncio.timeout(PATIENCE):
            while True:
                for number, server in enumerate(self.servers):
                    if await _polls([server]) > before[number]:
                        return number
                await asyncio.sleep(0.01)


@pytest.fixture
async def fleet(redis: RedisServer) -> AsyncIterator[Fleet]:
    """Run it."""
    async with AsyncExitStack() as stack:
        processes = stack.enter_context(ExitStack())

        async def run(*arguments: str, **settings: str) -> Process:
            command = serving(*arguments, "--port", "0", **settings)
            return await asyncio.to_thread(processes.enter_context, command)

        async def client(url: str, **options: object) -> httpx.AsyncClient:
            made = httpx.AsyncClient(base_url=url, timeout=PATIENCE, **options)  # type: ignore[arg-type]
            return await stack.enter_async_context(made)

        sandbox = await run("sandbox", "--upstream-only")
        shared = {
            "upstream_url": sandbox.url,
            "cache_url": redis.url,
            "subscriptions": "on",
            "subscription_interval": str(INTERVAL),
        }
        replicas = [await run("serve", **shared) for _ in range(2)]
        yield Fleet(
            replicas,
            [Server(each.url, await client(each.url), each.process.kill) for each in replicas],
            await client(sandbox.url, headers={"authorization": "Bearer sandbox"}),
        )


@pytest.mark.parametrize("kind", ["group", "list"])
async def test_a_poller_that_is_killed_is_replaced(fleet: Fleet, kind: str) -> None:
    """It held the lease when it died; the other replica polls once that expires."""
    async with AsyncExitStack() as stack:
        talks = [await stack.enter_async_context(server.introduced()) for server in fleet.servers]
        for server, talk in zip(fleet.servers, talks, strict=True):
            if kind == "group":
                await talk.listen()
            else:
                await follow(server, talk, filter=PATIENTS)
        victim = await fleet.poller()
        fleet.processes[victim].process.send_signal(signal.SIGKILL)
        await fleet.rename("Changed elsewhere")
        told = await talks[1 - victim].hear()
        group = changed(told) if kind == "group" else change(told)["group"]
        assert group["name"] == "Changed elsewhere"
