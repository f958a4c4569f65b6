"""Two releases on one Redis and one upstream, as in the middle of a rolling upgrade."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from cli.commands import PATIENCE, PREFIX
from frontdoor import Gateway
from redis_server import redis_server
from replicas.fleet import Served, free_ports, replica, upstream
from replicas.load import CREATE, READ, MixedLoad
from replicas.other_release import WRITTEN
from replicas.sharing import is_left_alone

OTHER = (sys.executable, Path(__file__).with_name("other_release.py"))
BOUND = 2.0
"""Seconds in which a write is seen by the other release, on a machine with other work."""
PAUSE = 0.02
RENAME = """mutation ($id: ID!, $name: String!) {
  updateGroup(input: { id: $id, name: $name }) { group { name } issues { code } }
}"""
CALLS = re.compile(r"^group_gateway_upstream_calls_total\{.* (\S+)$", re.MULTILINE)


@dataclass
class TwoReleases:
    """A process of each release, and how to ask it."""

    processes: list[Served]
    gateways: list[Gateway]


@asynccontextmanager
async def two_releases(
    folder: Path, release: str, cache_url: str, **settings: str
) -> AsyncIterator[TwoReleases]:
    """Run this release and another one within the block."""
    sandbox_port, *ports = free_ports(3)
    sandbox = upstream(sandbox_port, folder)
    shared = (sandbox.url, cache_url, folder)
    processes = [replica(ports[0], *shared), replica(ports[1], *shared, (*OTHER, release))]
    async with AsyncExitStack() as stack:
        for each in (sandbox, *processes):
            each.environment |= {PREFIX + name.upper(): value for name, value in settings.items()}
            stack.callback(each.stop)
        await sandbox.start()
        await asyncio.gather(*(each.start() for each in processes))
        async with httpx.AsyncClient(base_url=sandbox.url) as http:
            (await http.put("/sandbox/quirks", json={"etag": True})).raise_for_status()
        clients = [httpx.AsyncClient(base_url=each.url, timeout=PATIENCE) for each in processes]
        gateways = [Gateway(await stack.enter_async_context(each)) for each in clients]
        yield TwoReleases(processes, gateways)


@pytest.mark.parametrize("release", WRITTEN)
async def test_each_hears_of_the_others_writes(tmp_path: Path, release: str) -> None:
    """No answer is wrong or older than the bound, none fails, and both use the cache."""
    with redis_server(tmp_path) as redis:
        async with two_releases(tmp_path, release, redis.url) as running:
            load = MixedLoad(running.gateways, bound=BOUND, pause=PAUSE)
            await load.start(groups=3, readers=2)
            await load.more(60)
            await load.end()
            assert load.counts["cut"] == 0
            for gateway in running.gateways:
                async with asyncio.timeout(PATIENCE):
                    while await is_left_alone(gateway):  # noqa: ASYNC110 - nobody is told
                        await asyncio.sleep(0.1)


async def test_each_keeps_its_own_entries(tmp_path: Path) -> None:
    """A process that starts anew finds those of its release in Redis.

    The times are longer than any that a busy machine takes.
    """
    times = {"cache_silence": "60", "cache_timeout": "30", "cache_ttl": "3600"}
    with redis_server(tmp_path) as redis:
        async with two_releases(tmp_path, "added-field", redis.url, **times) as running:
            made = await running.gateways[0].data(CREATE, name="0")
            id = made["createGroup"]["group"]["id"]
            for number, gateway in enumerate(running.gateways):
                assert (await gateway.data(READ, id=id))["group"]["name"] == str(number)
                await running.gateways[1 - number].data(RENAME, id=id, name=str(number + 1))
            for gateway in running.gateways:
                assert await _calls(gateway, id, "first") == 1
                assert await _calls(gateway, id, "second") == 0
            for process, gateway in zip(running.processes, running.gateways, strict=True):
                assert await process.end() == 0
                await process.start()
                assert await _calls(gateway, id, "third") == 0


async def _calls(gateway: Gateway, id: str, marker: str) -> int:
    """Return how often the upstream is asked for a request that was not made before."""
    before = await _upstream_calls(gateway)
    assert (await gateway.data(f"{READ} # {marker}", id=id))["group"]["name"] == "2"
    return await _upstream_calls(gateway) - before


async def _upstream_calls(gateway: Gateway) -> int:
    text = (await gateway.http.get("/metrics")).text
    return sum(int(float(each)) for each in CALLS.findall(text))
