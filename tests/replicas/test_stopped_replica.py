"""A replica that is stopped or cut off, as on a busy machine, believes nothing afterwards."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from cli.commands import PATIENCE
from frontdoor import Gateway
from redis_server import redis_server
from redis_wire import redis_wire
from replicas.fleet import Fleet, fleet
from replicas.load import CREATE, READ, MixedLoad
from replicas.sharing import is_left_alone
from replicas.test_fleet import BOUND, PAUSE

PAUSE_AFTER = 0.6
"""Seconds between a write and the reads: more than `GROUP_GATEWAY_CACHE_SILENCE`, 0.5."""
ROUNDS = 4
LOST_AFTER = "3"
"""Seconds without an answer after which the connection to Redis counts as lost."""
RENAME = """mutation ($id: ID!, $name: String!) {
  updateGroup(input: { id: $id, name: $name }) { group { name } issues { code } }
}"""
LATENCY = 0.15
"""Seconds that the upstream takes for each answer."""


async def test_a_replica_that_was_stopped_and_cut_off(tmp_path: Path) -> None:
    """A request that it gets later than the bound after a write is answered with the write.

    It has ready answers, open connections and reads under way, and requests wait for it. Nothing
    from Redis arrives before it has answered them.
    """
    with redis_server(tmp_path) as redis:
        async with (
            redis_wire(redis.port) as wire,
            fleet(tmp_path, redis.url, cache_url=wire.url, cache_timeout=LOST_AFTER) as running,
            AsyncExitStack() as stack,
        ):
            sides = []
            for replica in running.replicas:
                client = httpx.AsyncClient(base_url=replica.url, timeout=PATIENCE)
                sides.append(Gateway(await stack.enter_async_context(client)))
            stopped, *others = sides
            await running.set_quirks(etag=True, latency_ms=round(1000 * LATENCY))
            load = MixedLoad(others, bound=BOUND, pause=PAUSE)
            await load.start(groups=3, readers=2)
            id = (await others[0].data(CREATE, name="0"))["createGroup"]["group"]["id"]
            for number in range(1, ROUNDS + 1):
                while await is_left_alone(stopped):
                    await load.more(1)
                under_way = await _begun(stopped, id, number)
                _send(running, signal.SIGSTOP)
                wire.speaks.clear()
                await others[number % 2].data(RENAME, id=id, name=str(number))
                await asyncio.sleep(PAUSE_AFTER)
                reads = [asyncio.create_task(_name(stopped, id, n // 2)) for n in range(4)]
                await load.more(5)
                _send(running, signal.SIGCONT)
                assert await asyncio.gather(*reads) == [str(number)] * 4
                await under_way
                wire.speaks.set()
            await load.end()


async def _begun(gateway: Gateway, id: str, number: int) -> "asyncio.Task[str]":
    """Begin to read a group; in every other round wait for the answer, which then lies ready.

    In the other rounds the upstream call is under way when the replica stops.
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
