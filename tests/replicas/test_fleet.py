"""A day in the life of three replicas behind nginx, while clients read and write all the time."""

import asyncio
import signal
from pathlib import Path

import httpx

from cli.commands import PATIENCE
from redis_server import RedisServer, redis_server
from replicas.fleet import Fleet, Served, fleet
from replicas.load import MixedLoad
from waiting import until

BOUND = 2.0
"""Seconds after which a write must be seen through any replica, whatever happens meanwhile."""
CALM = 60
"""Reads between two events."""
PAUSE = 0.02
"""Seconds between two reads of each reader: processes that start need the machine too."""
OUTAGE = {"etag": True, "faults": [{"kind": "status", "status": 503}]}
SERVED = 'group_gateway_requests_total{outcome="complete"}'
"""The metric of a replica that has answered a request."""
TOLD = frozenset({"UPSTREAM_UNAVAILABLE"})


async def test_upgrades_crashes_and_outages(tmp_path: Path) -> None:
    """Requests are lost only with a replica that is killed, and no answer is ever wrong.

    Each replica is replaced, one is killed, Redis loses all that it held, and the upstream fails.
    """
    with redis_server(tmp_path) as redis:
        async with fleet(tmp_path, redis.url) as running:
            await running.set_quirks(etag=True)
            load = MixedLoad([running.proxy], bound=BOUND, pause=PAUSE, is_one=True)
            await load.start(groups=3, readers=3)
            await load.more(CALM)
            await _upgrade(running, load)
            await _restart(redis, load)
            await _fail(running, load)
            assert load.counts["cut"] == 0
            await _crash(running, load)
            await load.end()
    print(dict(load.counts), f"max age {max(load.ages):.3f}")  # noqa: T201 - shown with -s


async def _upgrade(running: Fleet, load: MixedLoad) -> None:
    """Replace each replica in turn, as a rolling upgrade does."""
    for replica in running.replicas:
        assert await replica.end() == 0
        await load.more(CALM)
        await _come_back(replica, load)


async def _restart(redis: RedisServer, load: MixedLoad) -> None:
    """Kill Redis, and start it again without data."""
    redis.kill()
    await load.more(CALM)
    await asyncio.to_thread(redis.start)
    await load.more(CALM)


async def _fail(running: Fleet, load: MixedLoad) -> None:
    """Break the upstream for five seconds: clients get an error with a code."""
    load.excused = TOLD
    await running.set_quirks(**OUTAGE)
    await asyncio.sleep(5)
    await running.set_quirks(etag=True)
    assert load.counts["told"]
    await _until_quiet(load)
    load.excused = frozenset()
    await load.more(CALM)


async def _until_quiet(load: MixedLoad) -> None:
    """Wait until reads are answered, and writes too, without an error in between."""
    told = -1
    while told != load.counts["told"]:
        told, written = load.counts["told"], load.counts["writes"]
        await load.more(CALM)
        await until(lambda written=written: load.counts["writes"] > written)  # type: ignore[misc]


async def _crash(running: Fleet, load: MixedLoad) -> None:
    """Kill a replica: what was under way on it is lost, and nothing later."""
    victim = running.replicas[0]
    assert await victim.end(signal.SIGKILL) == -signal.SIGKILL
    await load.more(CALM)
    lost = load.counts["cut"]
    await _come_back(victim, load)
    assert load.counts["cut"] == lost


async def _come_back(replica: Served, load: MixedLoad) -> None:
    """Start a replica, and wait until nginx sends it requests again."""
    await replica.start()
    async with asyncio.timeout(PATIENCE), httpx.AsyncClient(base_url=replica.url) as http:
        while SERVED not in (await http.get("/metrics")).text:
            await load.more(1)
    await load.more(CALM)
