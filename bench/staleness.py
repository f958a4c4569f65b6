"""`python -m bench staleness`: how long replicas show what another replica's write has replaced.

Three gateways share a Redis, in front of the sandbox. Clients read groups through all of them. One
writer names a group 1, 2, 3 and so on through each replica in turn, and asks the two others from
the moment of the write's answer until they show the new name. Each answer is checked too.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import msgspec

from bench.facts import Facts, facts
from bench.install import need
from bench.measuring import WrongAnswer
from bench.progress import tell
from bench.replicas import replicas
from group_gateway.config import Settings

REPLICAS = 3
SILENCE_MS = 1000 * Settings(upstream_url="http://127.0.0.1").cache_silence
"""The bound that is promised, in milliseconds, as it comes."""
_GROUPS = 20
_READERS = 8
_PAUSES = {"8 clients that rest 20 ms": 0.02, "8 clients without a rest": 0.0}
_WARM_SECONDS = 1.0
_PATIENCE = 30.0
_READ = "query ($id: ID!) { group(id: $id) { name } }"
_CREATE = """mutation ($name: String!) {
  createGroup(input: { type: PERSON, name: $name }) { group { id } }
}"""
_WRITE = """mutation ($id: ID!, $name: String!) {
  updateGroup(input: { id: $id, name: $name }) { group { name } }
}"""


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """When one replica showed another's write.

    `at` is when the write was answered, in seconds of the phase, and `shown_ms` how many
    milliseconds later the first answer with the new name was here.
    """

    at: float
    shown_ms: float


class Phase(msgspec.Struct, frozen=True):
    """One load.

    `old_reads` began after a write's answer and were shown what was before the write, the last of
    them `oldest_ms` after it.
    """

    seconds: float
    reads: int
    old_reads: int
    oldest_ms: float
    writes: int
    samples: list[Sample]


class Staleness(msgspec.Struct, frozen=True):
    """The results: each load by its name."""

    facts: Facts
    phases: dict[str, Phase]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that so large a share of the values does not exceed."""
    ranked = sorted(values)
    return ranked[min(int(share * len(ranked)), len(ranked) - 1)]


class _Clients:
    """Readers and a writer. Every answer must fit those before it, or WrongAnswer is raised.

    A replica must not show an older name after a newer one, nor a name that was replaced longer
    ago than the bound, nor, after a write through itself, what was before that write.
    """

    def __init__(self, http: httpx.AsyncClient, urls: Sequence[str]) -> None:
        self._http = http
        self._urls = urls
        self._ids: list[str] = []
        self._begun: dict[str, int] = {}
        self._shown: dict[tuple[int, str], int] = {}
        self._written: dict[str, tuple[float, int]] = {}
        self._reads = 0
        self._ages: list[float] = []

    async def create(self) -> None:
        """Create the groups."""
        for _ in range(_GROUPS):
            made = await self._data(0, _CREATE, name="0")
            self._ids.append(made["createGroup"]["group"]["id"])
        self._begun = dict.fromkeys(self._ids, 0)

    async def run(self, writes: int, pause: float) -> Phase:
        """Read and write until `writes` writes were seen."""
        async with self._reading(pause):
            await asyncio.sleep(_WARM_SECONDS)
            reads, began = self._reads, time.perf_counter()
            self._ages.clear()
            samples = [
                msgspec.structs.replace(sample, at=round(sample.at - began, 3))
                for number in range(writes)
                for sample in await self._write(number)
            ]
            seconds = time.perf_counter() - began
            oldest = 1000 * max(self._ages, default=0.0)
            return Phase(
                round(seconds, 3),
                self._reads - reads,
                len(self._ages),
                round(oldest, 3),
                writes,
                samples,
            )

    @asynccontextmanager
    async def _reading(self, pause: float) -> AsyncIterator[None]:
        try:
            async with asyncio.TaskGroup() as tasks:
                readers = [
                    tasks.create_task(self._read_on(Random(number), pause))  # noqa: S311
                    for number in range(_READERS)
                ]
                yield
                for reader in readers:
                    reader.cancel()
        except* WrongAnswer as wrong:
            raise wrong.exceptions[0] from None

    async def _read_on(self, chance: Random, pause: float) -> None:
        while True:
            await self._read(chance.randrange(REPLICAS), chance.choice(self._ids))
            await asyncio.sleep(pause)

    async def _write(self, number: int) -> list[Sample]:
        side, id = number % REPLICAS, self._ids[number % len(self._ids)]
        name = self._begun[id] = self._begun[id] + 1
        await self._data(side, _WRITE, id=id, name=str(name))
        written, _ = self._written[id] = (time.perf_counter(), name)
        self._shown[side, id] = name
        others = [other for other in range(REPLICAS) if other != side]
        samples = [self._until_shown(other, id, name, written) for other in others]
        return list(await asyncio.gather(*samples))

    async def _until_shown(self, side: int, id: str, name: int, written: float) -> Sample:
        while await self._read(side, id) < name:
            pass
        return Sample(written, round(1000 * (time.perf_counter() - written), 3))

    async def _read(self, side: int, id: str) -> int:
        least = self._shown.get((side, id), 0)
        written, name = self._written.get(id, (0.0, 0))
        age = time.perf_counter() - written
        if age > SILENCE_MS / 1000:
            least = max(least, name)
        found = int((await self._data(side, _READ, id=id))["group"]["name"])
        if not least <= found <= self._begun[id]:
            raise WrongAnswer(f"a replica showed {found} when it had to show {least} at least")
        if found < name:
            self._ages.append(age)
        self._shown[side, id] = max(found, self._shown.get((side, id), 0))
        self._reads += 1
        return found

    async def _data(self, side: int, query: str, **variables: str) -> Any:
        asked = {"query": query, "variables": variables}
        response = await self._http.post(self._urls[side], json=asked)
        answer: Any = response.json() if response.status_code == httpx.codes.OK else {}
        if "data" not in answer or "errors" in answer:
            raise WrongAnswer(f"a replica answered {response.status_code}: {response.text[:300]}")
        return answer["data"]


async def measured(urls: Sequence[str], writes: int) -> dict[str, Phase]:
    """Measure `writes` writes under each load; raises WrongAnswer."""
    headers = {"authorization": "Bearer sandbox"}
    phases = {}
    async with httpx.AsyncClient(headers=headers, timeout=_PATIENCE) as http:
        clients = _Clients(http, urls)
        await clients.create()
        for title, pause in _PAUSES.items():
            phase = phases[title] = await clients.run(writes, pause)
            shown = [sample.shown_ms for sample in phase.samples]
            tell(f"{title}: p50 {percentile(shown, 0.5):.1f} ms, max {max(shown):.1f} ms")
    return phases


def run(work: Path, writes: int) -> Staleness:
    """Measure `writes` writes under each load, with the folder `work` to write to."""
    need(["taskset", "redis-server"])
    with replicas(work, REPLICAS) as urls:
        return Staleness(facts(), asyncio.run(measured(urls, writes)))
