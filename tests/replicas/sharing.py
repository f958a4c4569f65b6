"""Gateways that share a Redis: whether they do, and a load on them while something happens."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from conftest import Sandbox
from frontdoor import Gateway
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from replicas.load import READ, MixedLoad

BOUND = 6.0
"""Seconds in which a write must be seen everywhere, whatever happens to Redis meanwhile.

A gateway that is cut off while it writes tells the others when it is back.
"""
RECOVERY = 90.0
"""Seconds that a machine with other work may take; what it took is printed."""
SLOW = 0.05
"""Seconds between two reads of each reader while the gateways find together again."""
LEFT_ALONE = "group_gateway_cache_left_alone 1.0"


async def is_left_alone(gateway: Gateway) -> bool:
    """Return whether a gateway does without Redis, and says so."""
    return LEFT_ALONE in (await gateway.http.get("/metrics")).text


async def is_sharing(gateways: list[Gateway], sandbox: Sandbox) -> bool:
    """Return whether what one gateway reads the other finds, without asking the upstream."""
    for gateway in gateways:
        if await is_left_alone(gateway):
            return False
    marker = f"{READ} # {time.monotonic()}"
    await gateways[0].data(marker, id=TEST_GROUP_ID)
    sandbox.forget_calls()
    await gateways[1].data(marker, id=TEST_GROUP_ID)
    return not [call for call in sandbox.calls if TEST_GROUP_ID in call]


async def until_sharing(gateways: list[Gateway], sandbox: Sandbox) -> float:
    """Wait until what one gateway reads the other finds; return for how long."""
    began = time.monotonic()
    async with asyncio.timeout(RECOVERY):
        while not await is_sharing(gateways, sandbox):  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.1)
    return time.monotonic() - began


@asynccontextmanager
async def under_load(gateways: list[Gateway], sandbox: Sandbox) -> AsyncIterator[MixedLoad]:
    """Run a mixed load around the block, and see that the gateways share afterwards."""
    load = MixedLoad(gateways, bound=BOUND)
    await load.start(groups=3, readers=3)
    await load.more(30)
    yield load
    load.pause = SLOW  # all of this is one process
    recovery = await until_sharing(gateways, sandbox)
    await load.more(30)
    await load.end()
    figures = f"shared again after {recovery:.1f} s, oldest answer {max(load.ages):.3f} s"
    print(dict(load.counts), figures)  # noqa: T201 - shown with -s
