"""The cache never serves what a write has changed, and its failure fails no request."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from group_gateway.cache.entries import Lookup, Slot
from group_gateway.cache.store import CacheStore
from unit.interleaving import SILENCE, FakeRedis, Fate, Gates, Time, shared_store

SLOT = Slot("scope/group", "group", "scope")
OTHERS_SLOT = Slot("other/group", "group", "other")
TTL = 30.0


class Shared:
    """Two stores on one shared Redis; `on` runs something and chooses the outcome of each step.

    The stores read the stream at once, unless `is_deaf`.
    """

    def __init__(self) -> None:
        self.time = Time()
        self.gates = Gates()
        self.feeds = [Gates(), Gates()]
        self.redis = FakeRedis(self.time)
        self.is_deaf = [False, False]
        self.one, self.other = (
            shared_store(self.redis, self.gates, feed, max_ttl=TTL, stale=TTL)
            for feed in self.feeds
        )

    async def on(self, work: Coroutine[Any, Any, Any], *fates: Fate) -> Any:
        """Run something to its end, step by step; after the fates named, all goes well."""
        task = asyncio.ensure_future(work)
        left = list(fates)
        while not task.done():
            await self.idle()
            if self.gates.waiting:
                self.gates.open(0, left.pop(0) if left else Fate.GOES_ON)
                await self.idle()
            else:
                await asyncio.sleep(0.001)
        return task.result()

    async def at_once(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something that must not ask Redis for anything."""
        task = asyncio.ensure_future(work)
        await self.idle()
        assert task.done(), "it waits for Redis"
        return task.result()

    async def idle(self) -> None:
        """Run everything that needs no further step."""
        for _ in range(20):
            for feed, is_deaf in zip(self.feeds, self.is_deaf, strict=True):
                if not is_deaf:
                    feed.open_all()
            await asyncio.sleep(0)

    async def recover(self) -> None:
        """Complete the background work with success."""
        await self.idle()
        while self.gates.waiting:
            self.gates.open(0, Fate.GOES_ON)
            await self.idle()

    async def look(self, store: CacheStore, slot: Slot = SLOT) -> Lookup:
        """Look up one slot."""
        lookup: Lookup
        [lookup] = await self.on(store.lookup([slot]))
        return lookup

    async def fill(self, store: CacheStore, value: bytes, slot: Slot = SLOT) -> Lookup:
        """Look up an absent slot and put a value there."""
        lookup = await self.look(store, slot)
        assert lookup.value is None
        await self.on(store.put([(slot, lookup, value)], TTL))
        return lookup


@pytest.fixture
async def shared() -> Any:
    """Yield two stores on one back end."""
    made = Shared()
    yield made
    for store in (made.one, made.other):
        await store.aclose()


async def test_an_entry_is_found_by_all_who_share_the_back_end(shared: Shared) -> None:
    """What one put, the other finds; nothing lies in other slots."""
    await shared.fill(shared.one, b"value")
    assert (await shared.look(shared.other)).value == b"value"
    assert (await shared.look(shared.other, OTHERS_SLOT)).value is None


async def test_an_empty_value_is_a_value(shared: Shared) -> None:
    """Absence is an entry like any other."""
    await shared.fill(shared.one, b"")
    assert (await shared.look(shared.one)).value == b""


async def test_an_entry_lives_for_its_time_and_no_longer_than_any_may(shared: Shared) -> None:
    """The time is counted from the put."""
    lookup = await shared.look(shared.one)
    await shared.on(shared.one.put([(SLOT, lookup, b"value")], 3 * TTL))
    shared.time.now += TTL - 1
    assert (await shared.look(shared.one)).value == b"value"
    shared.time.now += 1
    assert (await shared.look(shared.one)).value is None


async def test_a_write_drops_the_entries_of_all_callers_everywhere(shared: Shared) -> None:
    """And of nothing else."""
    elsewhere = Slot("scope/elsewhere", "elsewhere")
    for slot in (SLOT, OTHERS_SLOT, elsewhere):
        await shared.fill(shared.one, b"old", slot)
    await shared.on(shared.other.invalidate(["group"]))
    found = await shared.on(shared.one.lookup([SLOT, OTHERS_SLOT, elsewhere]))
    assert [lookup.value for lookup in found] == [None, None, b"old"]


async def test_a_read_that_a_write_overtook_puts_nothing_that_counts(shared: Shared) -> None:
    """Its value may be older than the write, whether the write has looked since or not."""
    lookup = await shared.look(shared.one)
    await shared.on(shared.other.invalidate(["group"]))
    await shared.look(shared.one)
    await shared.on(shared.one.put([(SLOT, lookup, b"old")], TTL))
    assert (await shared.look(shared.one)).value is None
    assert (await shared.look(shared.other)).value is None


async def test_what_is_kept_is_found_without_asking(shared: Shared) -> None:
    """By its own store, and by the other one after it has asked."""
    await shared.fill(shared.one, b"value")
    assert (await shared.at_once(shared.one.lookup([SLOT])))[0].value == b"value"
    assert (await shared.look(shared.other)).value == b"value"
    assert (await shared.at_once(shared.other.lookup([SLOT])))[0].value == b"value"


async def test_an_entry_that_redis_evicts_is_put_again(shared: Shared) -> None:
    """The gateway that has it keeps it; the other reads it again."""
    await shared.fill(shared.one, b"value")
    shared.redis.entries.clear()
    assert (await shared.look(shared.one)).value == b"value"
    assert (await shared.look(shared.other)).value is None


@pytest.mark.parametrize("loss", ["stream", "tail", "process", "start"])
async def test_invalidations_that_redis_loses_are_not_missed(shared: Shared, loss: str) -> None:
    """The other was deaf when they happened, and asks again afterwards."""
    await shared.fill(shared.one, b"old")
    assert (await shared.look(shared.other)).value == b"old"
    shared.is_deaf[1] = True
    for tag in ("group", "else", "more"):
        await shared.on(shared.one.invalidate([tag]))
    match loss:
        case "stream":
            shared.redis.stream = []
        case "start":
            del shared.redis.stream[:-1]
        case _:
            shared.redis.restart(kept=-3 if loss == "tail" else 0)
    shared.is_deaf[1] = False
    shared.time.now += 2 * SILENCE
    assert (await shared.look(shared.other)).value is None
    assert (await shared.look(shared.one)).value is None


async def test_an_invalidation_that_a_fail_over_loses_is_made_again(shared: Shared) -> None:
    """What another gateway read meanwhile, before the write, is dropped then."""
    await shared.look(shared.one)
    await shared.look(shared.other)
    shared.is_deaf[0] = True  # it does not know of the fail-over yet
    shared.redis.restart(kept=0)
    shared.time.now += 2 * SILENCE
    await shared.fill(shared.other, b"old")
    write = asyncio.ensure_future(shared.one.invalidate(["group"]))
    await shared.on(write_ended(write))
    shared.is_deaf[0] = False
    shared.time.now += 2 * SILENCE
    for _ in range(5):
        await shared.recover()
    assert (await shared.look(shared.other)).value is None


async def test_a_fail_over_without_a_silence_is_noticed_too(shared: Shared) -> None:
    """Invalidations sent to a lost primary are sent again, although no command failed."""
    await shared.look(shared.other)
    await shared.on(shared.one.invalidate(["group"]))
    shared.is_deaf[0] = True
    shared.redis.restart(kept=0)
    await shared.fill(shared.other, b"old")
    shared.is_deaf[0] = False
    for _ in range(5):
        await shared.recover()
    assert (await shared.look(shared.other)).value is None


async def write_ended(write: asyncio.Future[None]) -> None:
    """Wait for a write."""
    await write


async def test_silence_is_not_believed(shared: Shared) -> None:
    """After a silence beyond the bound a store trusts no entry until it has caught up."""
    lookup = await shared.fill(shared.one, b"value")
    dependency = shared.one.dependency(SLOT, lookup, TTL)
    assert dependency is not None
    assert shared.one.holds_now([dependency])
    shared.is_deaf[0] = True
    shared.time.now += 0.9 * SILENCE
    assert shared.one.holds_now([dependency])
    shared.time.now += 0.2 * SILENCE
    assert shared.one.epoch is None
    assert shared.one.holds_now([dependency]) is None
    assert await shared.on(shared.one.lookup([SLOT])) == [Lookup(None, None)]
    shared.is_deaf[0] = False
    await shared.recover()
    assert shared.one.holds_now([dependency])


async def test_a_copy_that_comes_after_a_silence_is_not_believed(shared: Shared) -> None:
    """It was read before an invalidation that this gateway may have missed."""
    await shared.fill(shared.one, b"old")
    await shared.look(shared.other, OTHERS_SLOT)
    shared.is_deaf[1] = True
    task = asyncio.ensure_future(shared.other.lookup([SLOT]))
    await shared.idle()
    shared.gates.open(0, Fate.GOES_ON)  # Redis has read it
    await shared.idle()
    shared.time.now += 2 * SILENCE
    shared.gates.open(0, Fate.GOES_ON)  # and answers
    assert await task == [Lookup(None, None)]


async def test_a_write_that_redis_does_not_hear_of_is_announced_here(shared: Shared) -> None:
    """Whatever is under way in this gateway must not be shared any more."""
    await shared.look(shared.one)
    told: list[Sequence[str] | None] = []
    shared.one.listen(told.append)
    await shared.on(shared.one.invalidate(["group"]), Fate.LOST)
    await shared.at_once(shared.one.invalidate(["more"]))
    assert told == [["group"], ["more"]]


FAILURES = [(Fate.LOST,), (Fate.UNANSWERED,), (Fate.LATE,), (Fate.GOES_ON, Fate.LOST)]


@pytest.mark.parametrize("fates", FAILURES)
async def test_a_failing_look_up_is_a_miss_that_puts_nothing(
    shared: Shared, fates: tuple[Fate, ...]
) -> None:
    """No caller sees the error."""
    await shared.fill(shared.one, b"value")
    await shared.look(shared.other, OTHERS_SLOT)
    [lookup] = await shared.on(shared.other.lookup([SLOT]), *fates)
    assert lookup == Lookup(None, None)
    assert shared.other.dependency(SLOT, lookup, TTL) is None


async def test_a_back_end_that_failed_is_left_alone_until_it_works_again(shared: Shared) -> None:
    """Meanwhile no call of a request waits for it."""
    lookup = await shared.fill(shared.one, b"value")
    dependency = shared.one.dependency(SLOT, lookup, TTL)
    assert dependency is not None
    await shared.on(shared.one.invalidate(["else"]), Fate.LOST)
    await shared.idle()
    assert len(shared.gates.waiting) == 1
    assert await shared.at_once(shared.one.lookup([SLOT])) == [Lookup(None, None)]
    await shared.at_once(shared.one.put([(SLOT, lookup, b"value")], TTL))
    await shared.at_once(shared.one.invalidate(["more"]))
    assert shared.one.holds_now([dependency]) is False
    assert await shared.at_once(shared.one.holds([dependency])) is False
    for _ in range(3):
        await shared.recover()
    assert (await shared.look(shared.one)).value == b"value"


async def test_a_put_that_fails_is_no_error(shared: Shared) -> None:
    """The gateway that read the value has it all the same."""
    lookup = await shared.look(shared.one)
    await shared.on(shared.one.put([(SLOT, lookup, b"value")], TTL), Fate.LOST)
    await shared.recover()
    assert (await shared.look(shared.one)).value == b"value"
    assert (await shared.look(shared.other)).value is None


@pytest.mark.parametrize("fates", FAILURES)
async def test_a_write_that_the_back_end_did_not_hear_of_is_made_up_for(
    shared: Shared, fates: tuple[Fate, ...]
) -> None:
    """Before its own gateway trusts an entry again, and then for the others as well."""
    await shared.fill(shared.one, b"old")
    await shared.on(shared.one.invalidate(["group"]), *fates)
    await shared.idle()
    assert await shared.at_once(shared.one.lookup([SLOT])) == [Lookup(None, None)]
    await shared.recover()
    assert (await shared.look(shared.one)).value is None
    assert (await shared.look(shared.other)).value is None


async def test_a_write_that_is_missed_while_another_is_made_up_for_is_made_up_for_too(
    shared: Shared,
) -> None:
    """The invalidation that was under way came before it."""
    await shared.look(shared.one)
    await shared.on(shared.one.invalidate(["group"]), Fate.LOST)
    await shared.idle()
    shared.gates.open(0, Fate.GOES_ON)
    await shared.idle()
    await shared.fill(shared.other, b"old")
    again = asyncio.ensure_future(shared.one.invalidate(["group"]))
    await shared.idle()
    shared.gates.open(-1, Fate.LOST)
    await shared.on(write_ended(again))
    assert (await shared.on(shared.one.lookup([SLOT])))[0].value is None
    for _ in range(3):
        await shared.recover()
    assert (await shared.look(shared.other)).value is None


async def test_a_cancelled_write_is_made_up_for(shared: Shared) -> None:
    """If it is cancelled, it may have happened upstream."""
    await shared.fill(shared.one, b"old")
    write = asyncio.ensure_future(shared.one.invalidate(["group"]))
    await shared.idle()
    write.cancel()
    await asyncio.wait([write])
    shared.gates.waiting.clear()
    for _ in range(3):
        await shared.recover()
    assert (await shared.look(shared.one)).value is None


async def test_a_late_put_lives_no_longer_than_one_in_time(shared: Shared) -> None:
    """The back end counts from its arrival, but the entry says itself when it ends."""
    lookup = await shared.look(shared.one)
    await shared.on(shared.one.put([(SLOT, lookup, b"old")], TTL), Fate.LATE)
    await shared.idle()
    await shared.recover()
    shared.time.now += TTL
    shared.gates.happen(0)
    assert (await shared.look(shared.one)).value is None


async def test_an_invalidation_that_arrives_late_revives_nothing(shared: Shared) -> None:
    """It can only drop more than it must."""
    await shared.fill(shared.one, b"old")
    await shared.on(shared.one.invalidate(["group"]), Fate.LATE)
    for _ in range(3):
        await shared.recover()
    await shared.fill(shared.one, b"new")
    while shared.gates.late:
        shared.gates.happen(0)
    await shared.idle()
    assert (await shared.look(shared.one)).value is None


async def test_a_part_holds_until_a_write_or_its_end(shared: Shared) -> None:
    """Whether it was found or put."""
    lookup = await shared.fill(shared.one, b"value")
    put, found = (
        shared.one.dependency(SLOT, lookup, TTL),
        shared.one.dependency(SLOT, await shared.look(shared.one), 0),
    )
    assert put == found
    assert put is not None
    assert await shared.on(shared.other.holds([put]))
    shared.time.now += TTL
    assert not await shared.at_once(shared.other.holds([put]))
    shared.time.now -= TTL
    await shared.on(shared.one.invalidate(["group"]))
    assert not await shared.on(shared.other.holds([put]))


async def test_switched_off_it_keeps_nothing(shared: Shared) -> None:
    """A lifetime of zero seconds asks Redis for no entry; writes are still sent."""
    store = shared_store(shared.redis, shared.gates, shared.feeds[0], max_ttl=0)
    try:
        assert await shared.at_once(store.lookup([SLOT])) == [Lookup(None, None)]
        await shared.at_once(store.put([(SLOT, Lookup(None, 1), b"value")], TTL))
        await shared.fill(shared.other, b"old")
        await shared.on(store.invalidate(["group"]))
        assert (await shared.look(shared.other)).value is None
    finally:
        await store.aclose()
