"""An answer is ready only while all that it was made of holds."""

import asyncio
from typing import Any

import pytest

from group_gateway.cache.entries import Slot
from group_gateway.cache.local_store import local_store
from group_gateway.execution.response_cache import ResponseCache
from group_gateway.operation import CacheDependency
from unit.interleaving import SILENCE, FakeRedis, Fate, Gates, Time, shared_store

TTL = 30.0
QUESTION = ("caller", "application/json", b"{ group }")
TAGS = ("one", "two")


class Kept:
    """A ready answer made of two parts, in a gateway alone or in one of two."""

    def __init__(self, *, is_shared: bool) -> None:
        self.time = Time()
        self.gates = Gates()
        self.feed = Gates()
        self.redis = FakeRedis(self.time)
        if is_shared:
            self.cache = shared_store(self.redis, self.gates, self.feed, max_ttl=TTL)
        else:
            self.cache = local_store(
                max_entries=100, max_bytes=100_000, max_ttl=TTL, clock=self.time
            )
        self.ready: ResponseCache[str] = ResponseCache(self.cache, max_bytes=10_000)

    async def keep(self, answer: str) -> None:
        """Read both parts, and keep an answer made of them."""
        slots = [Slot(f"{tag}/entry", tag) for tag in TAGS]
        lookups = await self.go_on(self.cache.lookup(slots))
        parts = [
            self.cache.dependency(slot, seen, TTL)
            for slot, seen in zip(slots, lookups, strict=True)
        ]
        parts = [part for part in parts if isinstance(part, CacheDependency)]
        self.ready.put(QUESTION, answer, len(answer), parts)

    async def go_on(self, work: Any, steps: int | None = None) -> Any:
        """Continue a coroutine by `steps` steps, or to its end."""
        task = asyncio.ensure_future(work)
        while not task.done() and steps != 0:
            await self.idle()
            if self.gates.waiting:
                self.gates.open(0, Fate.GOES_ON)
                steps = steps if steps is None else steps - 1
        await self.idle()
        return task.result() if task.done() else None

    async def idle(self) -> None:
        """Run everything that needs no further step, and read all of the stream."""
        for _ in range(10):
            self.feed.open_all()
            await asyncio.sleep(0)


@pytest.fixture(params=[False, True], ids=["alone", "shared"])
async def kept(request: pytest.FixtureRequest) -> Any:
    """Yield an answer that is ready, and has been given."""
    kept = Kept(is_shared=request.param)
    await kept.keep("old")
    assert [kept.ready.get_nowait(QUESTION) for _ in range(2)] == ["old", "old"]
    yield kept
    await kept.cache.aclose()


async def test_an_answer_ends_with_an_invalidation_of_a_part(kept: Kept) -> None:
    """Of any part; the answer is not given again."""
    await kept.go_on(kept.cache.invalidate(["two"]))
    assert kept.ready.get_nowait(QUESTION) is None
    assert await kept.ready.get(QUESTION) is None


async def test_an_answer_does_not_end_with_other_invalidations(kept: Kept) -> None:
    """What others wrote elsewhere is no concern of it."""
    await kept.go_on(kept.cache.invalidate(["three"]))
    assert kept.ready.get_nowait(QUESTION) == "old"


@pytest.mark.parametrize("steps", [0, 1])
async def test_an_answer_that_is_looked_at_during_an_invalidation(kept: Kept, steps: int) -> None:
    """Whatever was seen meanwhile, it has ended when the invalidation has."""
    await kept.go_on(kept.cache.invalidate(["three"]))
    under_way = asyncio.ensure_future(kept.cache.invalidate(["two"]))
    await kept.go_on(under_way, steps)
    kept.ready.get_nowait(QUESTION)
    await kept.go_on(under_way)
    assert kept.ready.get_nowait(QUESTION) is None


async def test_an_answer_ends_with_its_time(kept: Kept) -> None:
    """That of its shortest part."""
    kept.time.now += TTL
    assert kept.ready.get_nowait(QUESTION) is None


async def test_an_answer_that_may_have_ended_elsewhere_waits_for_word() -> None:
    """While the stream is silent no response is ready; after the next entry it is."""
    kept = Kept(is_shared=True)
    await kept.keep("old")
    assert kept.ready.get_nowait(QUESTION) == "old"
    kept.time.now += 2 * SILENCE
    assert kept.cache.epoch is None
    assert kept.ready.get_nowait(QUESTION) is None
    assert await kept.go_on(kept.ready.get(QUESTION)) == "old"
    assert kept.ready.get_nowait(QUESTION) == "old"
    await kept.cache.aclose()


async def test_an_answer_ends_with_an_invalidation_by_another_gateway() -> None:
    """As soon as its invalidation arrives."""
    kept = Kept(is_shared=True)
    await kept.keep("old")
    kept.redis.append("", 0, "another", "two")
    assert kept.ready.get_nowait(QUESTION) == "old"
    await kept.idle()
    assert kept.ready.get_nowait(QUESTION) is None
    await kept.cache.aclose()
