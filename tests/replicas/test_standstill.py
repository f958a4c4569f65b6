"""A replica that stood still, as processes of a busy machine do, believes nothing afterwards."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from cli.commands import PATIENCE
from frontdoor import Gateway
from redis_server import redis_server
from replicas.fleet import Fleet, fleet
from replicas.load import CREATE, READ, MixedLoad
from replicas.test_fleet import BOUND, PAUSE

SILENCE = 0.5
"""The bound as it comes, in seconds."""
ROUNDS = 6
RENAME = """mutation ($id: ID!, $name: String!) {
  updateGroup(input: { id: $id, name: $name }) { group { name } issues { code } }
}"""
LATENCY = 0.15
"""Seconds that the upstream takes for each answer."""


async def test_a_replica_that_stood_still(tmp_path: Path) -> None:
    """Whoever asks it later than the bound after a write is shown the write.

    Its answers lay ready, its connections stayed, reads were under way, and requests waited for it.
    """
    with redis_server(tmp_path) as redis:
        async with fleet(tmp_path, redis.url) as running, AsyncExitStack() as stack:
            sides = []
            for replica in running.replicas:
                client = httpx.AsyncClient(base_url=replica.url, timeout=PATIENCE)
                sides.append(Gateway(await stack.enter_async_context(client)))
            still, *others = sides
            await running.set_quirks(etag=True, latencyMs=1000 * LATENCY)
            load = MixedLoad(others, bound=BOUND, pause=PAUSE)
            await load.start(groups=2, readers=2)
            id = (await others[0].data(CREATE, name="0"))["createGroup"]["group"]["id"]
            for number in range(1, ROUNDS + 1):
                under_way = await _begun(still, id, number)
                _send(running, signal.SIGSTOP)
                await others[number % 2].data(RENAME, id=id, name=str(number))
                await asyncio.sleep(SILENCE * number)
                reads = [asyncio.create_task(_name(still, id, n // 2)) for n in range(4)]
                await load.more(5)
                _send(running, signal.SIGCONT)
                assert await asyncio.gather(*reads) == [str(number)] * 4
                await under_way
            await load.end()


async def _begun(gateway: Gateway, id: str, number: int) -> "asyncio.Task[str]":
    """Begin to read a group, and let it be read in every other round: then the answer lies ready.

    In the other rounds the upstream has the question when the replica stops.
    """
    reading = asyncio.create_task(_name(gateway, id, 0))
    if number % 2:
        await asyncio.sleep(LATENCY / 3)
    else:
        assert await reading == str(number - 1)
    return reading


async def _name(gateway: Gateway, id: str, document: int) -> str:
    answer = await gateway.data(f"{READ} # {document}", id=id)
    return str(answer["group"]["name"])


def _send(running: Fleet, number: signal.Signals) -> None:
    process = running.replicas[0].process
    assert process is not None
    process.send_signal(number)
