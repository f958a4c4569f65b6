"""The trial: random servers with random groups, and what must hold of whatever is asked of them.

A world is a server, its groups and a gateway on it. Worlds run beside each other, since some
servers make a writer wait for their clock; each is made from its own seed.
"""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from anyserver.groups import GroupWriter
from anyserver.hl7 import HL7
from anyserver.mutations import OPERATIONS
from anyserver.operations import World
from anyserver.profile import Profile
from anyserver.server import Server
from group_gateway.app import create_app
from group_gateway.config import Settings

_EVERY = {**OPERATIONS, **HL7}
IN_A_WORLD = 12
"""Operations that are asked in one world."""
AT_ONCE = 16
DEADLINE = 30.0
BUDGET = 50
_HANGS = 45
"""Seconds without a turn of the event loop."""
_LATE = 60.0
"""Seconds after which an answer is late, on a slow machine too."""


@dataclass(frozen=True)
class Fault:
    """Where the gateway did wrong."""

    what: str
    seed: str
    operation: str
    profile: Profile

    def __str__(self) -> str:
        return f"{self.operation}: {self.what}: seed {self.seed}\n    {self.profile}"


@dataclass
class Tally:
    """What was asked, of how many servers, and what was wrong."""

    operations: int = 0
    worlds: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {name}" for name, count in self.asked.most_common())
        return (
            f"{self.operations} operations asked of {self.worlds} servers ({kinds});"
            f" {len(self.faults)} faults"
        )


async def trial(
    worlds: int,
    seed: int,
    *,
    first: int = 0,
    stop_at: int = 1,
    operations: Sequence[str] = tuple(OPERATIONS),
) -> Tally:
    """Try `worlds` worlds; stop after those in which `stop_at` faults were found."""
    tally = Tally()
    numbers = iter(range(first, first + worlds))

    async def work() -> None:
        for number in numbers:
            if len(tally.faults) >= stop_at:
                return
            await _one_world(tally, f"{seed}.{number}", operations)

    watchdog = asyncio.create_task(_watch())
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    watchdog.cancel()
    signal.alarm(0)
    tally.faults.sort(key=lambda fault: fault.seed)
    return tally


async def _watch() -> None:
    """Print a traceback when a loop hangs: nothing else could end it."""
    while True:
        signal.alarm(_HANGS)
        await asyncio.sleep(1)


async def _one_world(tally: Tally, seed: str, operations: Sequence[str]) -> None:
    rng = Random(seed)  # noqa: S311 - test data
    async with opened(rng) as world:
        tally.worlds += 1
        for number in range(IN_A_WORLD):
            name = rng.choice(operations)
            what = await _one(world, name)
            tally.operations += 1
            tally.asked[name] += 1
            if what is not None:
                place = f"{seed}, operation {number}"
                tally.faults.append(Fault(what, place, name, world.server.profile))
                return


async def _one(world: World, name: str) -> str | None:
    world.server.calls.clear()
    world.requests = 0
    began = time.monotonic()
    what = await _EVERY[name](world)
    world.server.meanwhile = None
    if what is None and len(world.server.calls) > (BUDGET + 1) * max(world.requests, 1):
        return f"{len(world.server.calls)} upstream calls for {world.requests} requests"
    if what is None and time.monotonic() - began > _LATE * max(world.requests, 1):
        return f"answered after {time.monotonic() - began:.0f} s"
    return what


@asynccontextmanager
async def opened(rng: Random) -> AsyncIterator[World]:
    """Make up a world and open it within the block."""
    server, writer = Server(Profile.random(rng)), GroupWriter(rng)
    for number in range(rng.choice((0, 1, 3, 7, 12, 25))):
        server.hold(writer.group(f"g{number}"))
    settings: dict[str, Any] = {
        "upstream_url": server.url,
        "cache_ttl": rng.choice((0.0, 600.0)),
        "cache_search_ttl": rng.choice((0.0, 600.0)),
        "upstream_calls": BUDGET,
        "deadline": DEADLINE,
        "upstream_retries": 0,
        "fhir_graphql": True,
    }
    app = create_app(Settings(**settings), transport=server)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://gateway.test", timeout=60) as http,
    ):
        yield World(rng, server, http, frozenset(writer.broken))


def run(worlds: int, seed: int, **more: Any) -> Tally:
    """Run a trial in an event loop of its own."""
    return asyncio.run(trial(worlds, seed, **more))
