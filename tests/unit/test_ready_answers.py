"""An answer is ready only while all that it was made of holds."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from group_gateway.cache.store import CacheStore, Slot
from group_gateway.execution.response_cache import ResponseCache
from group_gateway.operation import CacheDependency
from unit.interleaving import Fate, GatedBackend, Gates, SharedStore, Time

TTL = 30.0
QUESTION = ("caller", "application/json", b"{ group }")
TAGS = ("one", "two")


class PrivateBackend(GatedBackend):
    """A back end that one gateway has for itself, in memory."""

    def peek(self, keys: Sequence[str]) -> list[bytes | None]:  # type: ignore[override]
        """See Backend."""
        return [self.store.read(key) for key in keys]


class Kept:
    """A ready answer made of two parts."""

    def __init__(self, backend: type[GatedBackend]) -> None:
        self.time = Time()
        self.gates = Gates()
        self.entries = SharedStore(self.time)
        self.cache = CacheStore(
            backend(self.entries, self.gates),
            max_ttl=TTL,
            pause=0,
            clock=self.time,
            wall_clock=self.time,
        )
        self.ready: ResponseCache[str] = ResponseCache(self.cache, max_bytes=10_000)

    async def keep(self, answer: str) -> None:
        """Read both parts, and keep an answer made of them."""
        slots = [Slot(f"{tag}/entry", tag) for tag in TAGS]
        lookups = await self.go_on(self.cache.lookup(slots))
        parts = [
            self.cache.part(slot, seen, TTL) for slot, seen in zip(slots, lookups, strict=True)
        ]
        self.ready.put(
            QUESTION, answer, len(answer), [p for p in parts if isinstance(p, CacheDependency)]
        )

    async def go_on(self, work: Any, steps: int | None = None) -> Any:
        """Let something go on by so many steps, or to its end."""
        task = asyncio.ensure_future(work)
        while not task.done() and steps != 0:
            for _ in range(8):
                await asyncio.sleep(0)
            if self.gates.waiting:
                self.gates.open(0, Fate.GOES_ON)
                steps = steps if steps is None else steps - 1
        for _ in range(8):
            await asyncio.sleep(0)
        return task.result() if task.done() else task


@pytest.fixture
async def kept() -> Any:
    """Give an answer that is ready, and has been given."""
    kept = Kept(PrivateBackend)
    await kept.keep("old")
    assert [kept.ready.now(QUESTION) for _ in range(2)] == ["old", "old"]
    yield kept
    await kept.cache.aclose()


async def test_an_answer_ends_with_an_invalidation_of_a_part(kept: Kept) -> None:
    """Of any part; the answer is not given again."""
    await kept.go_on(kept.cache.invalidate(["two"]))
    assert kept.ready.now(QUESTION) is None
    assert await kept.ready.get(QUESTION) is None


async def test_an_answer_does_not_end_with_other_invalidations(kept: Kept) -> None:
    """What others wrote elsewhere is no concern of it."""
    await kept.go_on(kept.cache.invalidate(["three"]))
    assert kept.ready.now(QUESTION) == "old"


@pytest.mark.parametrize("steps", [0, 1])
async def test_an_answer_that_is_looked_at_during_an_invalidation(kept: Kept, steps: int) -> None:
    """Whatever was seen meanwhile, it has ended when the invalidation has."""
    await kept.go_on(kept.cache.invalidate(["three"]))
    under_way = await kept.go_on(kept.cache.invalidate(["two"]), steps)
    kept.ready.now(QUESTION)
    await kept.go_on(under_way)
    assert kept.ready.now(QUESTION) is None


async def test_an_answer_ends_with_its_time(kept: Kept) -> None:
    """That of its shortest part."""
    kept.time.now += TTL
    assert kept.ready.now(QUESTION) is None


async def test_nothing_is_ready_without_waiting_where_others_write_too() -> None:
    """A back end that is shared has to be asked, each time."""
    kept = Kept(GatedBackend)
    await kept.keep("old")
    assert kept.cache.epoch is None
    assert kept.ready.now(QUESTION) is None
    assert await kept.go_on(kept.ready.get(QUESTION)) == "old"
