"""A stream that is not the one that was followed is noticed, with and without a lost connection."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from group_gateway.cache.invalidation_history import InvalidationHistory
from group_gateway.cache.redis.invalidation_stream import InvalidationStream
from unit.interleaving import SILENCE, FakeCache, FakeRedis, Fate, Gates, Time

Entries = list[tuple[int, list[str]]]
FIRST = 100
BATCH = 500


def entry(number: int, writer: str = "", life: str = "one") -> tuple[int, list[str]]:
    """Return an entry of a stream."""
    return number, ["l", life, "w", writer or f"writer {number}", "t", f"tag{number}"]


FOLLOWED = [entry(number) for number in range(FIRST, FIRST + 4)]
LAST = FIRST + 3


@dataclass
class Followed:
    """A stream, a Redis, and the gate through which each answer of Redis passes."""

    redis: FakeRedis
    feed: Gates
    time: Time
    stream: InvalidationStream

    async def hear(self, answers: int, fate: Fate = Fate.GOES_ON) -> None:
        """Complete `answers` commands."""
        for _ in range(2 * answers):
            await self._idle()
            if self.feed.waiting:
                self.feed.open(0, fate)
                await self._idle()

    async def _idle(self) -> None:
        for _ in range(8):
            await asyncio.sleep(0)


@pytest.fixture
async def followed() -> AsyncIterator[Followed]:
    """Yield a stream that a process follows and is current on."""
    time, feed = Time(), Gates()
    redis = FakeRedis(time, stream=list(FOLLOWED))
    cache: Any = FakeCache(redis, Gates(), feed)
    history = InvalidationHistory(lifetime=1e9, clock=time)
    stream = InvalidationStream(
        cache, history, name="test", silence=SILENCE, timeout=5.0, pause=0, clock=time
    )
    following = Followed(redis, feed, time, stream)
    start = asyncio.ensure_future(stream.caught_up())
    await following.hear(8)
    assert await start
    yield following
    await stream.aclose()


OTHERS: dict[str, Callable[[], Entries]] = {
    "gone": list,
    "shorter": lambda: FOLLOWED[:-1],
    "another entry in the last one's place": lambda: [*FOLLOWED[:-1], entry(LAST, "another")],
    "another entry there, and one more": lambda: [
        *FOLLOWED[:-1], entry(LAST, "another"), entry(LAST + 1)
    ],
    "another life": lambda: [
        entry(number, f"other {number}", "two") for number in range(FIRST, LAST + 1)
    ],
    "another life, and one more": lambda: [
        entry(number, f"other {number}", "two") for number in range(FIRST, LAST + 2)
    ],
    "a gap": lambda: [*FOLLOWED, entry(LAST + 2)],
}  # fmt: skip


CASES = [
    (other, is_cut)
    for other in OTHERS
    for is_cut in (False, True)
    # Redis ends what waits for news when it follows another primary, which alone can do this.
    if is_cut or other != "another entry there, and one more"
]


@pytest.mark.parametrize(("other", "is_cut"), CASES)
async def test_another_stream_makes_all_void(
    followed: Followed,
    other: str,
    is_cut: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Nothing of before counts, though the server's process is the same."""
    before = followed.stream.history.position
    assert followed.stream.history.holds("read before", before)
    followed.redis.stream = OTHERS[other]()
    if is_cut:
        await followed.hear(1, Fate.LOST)
    await followed.hear(16)
    assert not followed.stream.history.holds("read before", before)
    assert followed.stream.is_current


async def test_a_connection_that_was_lost_makes_nothing_void(followed: Followed) -> None:
    """If the stream is the same, missed entries are read, and the others still count."""
    before = followed.stream.history.position
    followed.redis.stream.append(entry(LAST + 1))
    await followed.hear(1, Fate.LOST)
    await followed.hear(16)
    assert followed.stream.is_current
    assert followed.stream.history.holds("read before", before)
    assert not followed.stream.history.holds(f"tag{LAST + 1}", before)


async def test_the_last_of_two_lives_is_followed(followed: Followed) -> None:
    """Somebody else has written there: nothing of before counts."""
    before = followed.stream.history.position
    followed.redis.stream = [entry(FIRST, life="two"), entry(FIRST + 1, life="three")]
    await followed.hear(16)
    assert followed.stream.life.endswith(" three")
    assert not followed.stream.history.holds("read before", before)
    assert followed.stream.is_current


async def test_a_full_batch_is_not_the_end(followed: Followed) -> None:
    """After a silence with many invalidations, a process is current once it has read all."""
    followed.time.now += 2 * SILENCE
    followed.redis.stream += [entry(LAST + n) for n in range(1, BATCH + 2)]
    await followed.hear(1)
    while followed.stream.history.number(followed.stream.history.position) != LAST + BATCH:
        assert not followed.stream.is_current
        await followed.hear(1)
    assert not followed.stream.is_current
    await followed.hear(1)
    assert followed.stream.is_current
