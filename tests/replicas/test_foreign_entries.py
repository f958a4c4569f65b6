"""Another program writes to the stream of invalidations, or takes from it, in the middle of a load.

No answer is wrong, and the gateways share again at once.
"""

import asyncio
from pathlib import Path

import pytest

from conftest import Sandbox
from redis_server import redis_server
from replicas.conftest import Pair
from replicas.redis_topologies import told
from replicas.sharing import under_load

READS = 20
EVENTS = {
    "other fields": "XADD {} * text hello",
    "some of our fields": "XADD {} * w 0123 t *",
    "a life of its own": "XADD {} * l life",
    "an id from the future": "XADD {} 99999999999999-5 text hello",
    "an id beyond exact numbers": "XADD {} 9007199254740993-0 l x",
    "the last id": "XADD {} 18446744073709551615-18446744073709551615 text hello",
    "an empty stream": "XTRIM {} MAXLEN 0",
    "an empty stream with a high id": "XSETID {} 99999999999999-0",
}


@pytest.mark.parametrize("event", EVENTS)
async def test_another_program(pair: Pair, sandbox: Sandbox, tmp_path: Path, event: str) -> None:
    """It does so twice: the first time the stream is the gateways' alone."""
    with redis_server(tmp_path) as redis:
        gateways = await pair(redis.url)
        async with under_load(gateways, sandbox) as load:
            [key] = (await asyncio.to_thread(told, redis.port, "KEYS", "group-gateway:{*")).split()
            for _ in range(2):
                words = EVENTS[event].format(key).split()
                if words[0] == "XSETID":
                    await asyncio.to_thread(told, redis.port, "XTRIM", key, "MAXLEN", "0")
                await asyncio.to_thread(told, redis.port, *words)
                await load.more(READS)
