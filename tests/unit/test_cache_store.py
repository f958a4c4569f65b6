"""The cache is never wrong about a write, and its failure is nobody else's."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from group_gateway.cache.store import CacheStore, Lookup, Slot
from unit.interleaving import Fate, GatedBackend, Gates, SharedStore, Time

SLOT = Slot("scope/group", "group")
OTHERS_SLOT = Slot("other/group", "group")
TTL = 30.0


class Shared:
    """Two stores on one shared back end; `on` runs something and says how each step goes."""

    def __init__(self) -> None:
        self.time = Time()
        self.gates = Gates()
        self.entries = SharedStore(self.time)
        self.one, self.other = (self._store() for _ in range(2))

    def _store(self) -> CacheStore:
        backend = GatedBackend(self.entries, self.gates)
        return CacheStore(backend, max_ttl=TTL, pause=0, clock=self.time, wall_clock=self.time)

    async def on(self, work: Coroutine[Any, Any, Any], *fates: Fate) -> Any:
        """Run something to its end, step by step; after the fates named, all goes well."""
        task = asyncio.ensure_future(work)
        left = list(fates)
        while not task.done():
            await self.idle()
            if self.gates.waiting:
                self.gates.open(0, left.pop(0) if left else Fate.GOES_ON)
                await self.idle()
        return task.result()

    async def fast_path(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something that must not ask the back end for anything."""
        task = asyncio.ensure_future(work)
        await self.idle()
        assert task.done(), "it waits for the back end"
        return task.result()

    async def idle(self) -> None:
        """Let everything that can go on without another step do so."""
        for _ in range(8):
            await asyncio.sleep(0)

    async def recover(self) -> None:
        """Let what goes on in the background go well."""
        while self.gates.waiting:
            self.gates.open(0, Fate.GOES_ON)
            await self.idle()

    async def look(self, store: CacheStore, slot: Slot = SLOT) -> Lookup:
        """Look one slot up."""
        lookup: Lookup
        [lookup] = await self.on(store.lookup([slot]))
        return lookup

    async def fill(self, store: CacheStore, value: bytes, slot: Slot = SLOT) -> Lookup:
        """Miss a slot and put a value there."""
        lookup = await self.look(store, slot)
        assert lookup.value is None
        await self.on(store.put([(slot, lookup, value)], TTL))
        return lookup


@pytest.fixture
async def shared() -> Any:
    """Give two stores on one back end."""
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


async def test_an_evicted_tag_takes_its_entries_along(shared: Shared) -> None:
    """Without it nobody knows what they are worth."""
    await shared.fill(shared.one, b"value")
    shared.entries.evict("group")
    assert (await shared.look(shared.one)).value is None


FAILURES = [(Fate.LOST,), (Fate.UNANSWERED,), (Fate.LATE,), (Fate.GOES_ON, Fate.LOST)]


@pytest.mark.parametrize("fates", FAILURES)
async def test_a_failing_look_up_is_a_miss_that_puts_nothing(
    shared: Shared, fates: tuple[Fate, ...]
) -> None:
    """Nobody sees the error."""
    await shared.fill(shared.one, b"value")
    [lookup] = await shared.on(shared.one.lookup([SLOT]), *fates)
    assert lookup == Lookup(None, None)
    assert shared.one.part(SLOT, lookup, TTL) is None


async def test_a_back_end_that_failed_is_left_alone_until_it_works_again(shared: Shared) -> None:
    """Meanwhile no call of a request waits for it."""
    lookup = await shared.fill(shared.one, b"value")
    part = shared.one.part(SLOT, lookup, TTL)
    assert part is not None
    await shared.on(shared.one.put([(SLOT, lookup, b"value")], TTL), Fate.LOST)
    await shared.idle()
    assert len(shared.gates.waiting) == 1
    assert await shared.fast_path(shared.one.lookup([SLOT])) == [Lookup(None, None)]
    await shared.fast_path(shared.one.put([(SLOT, lookup, b"value")], TTL))
    assert shared.one.holds_now([part]) is False
    assert await shared.fast_path(shared.one.holds([part])) is False
    await shared.recover()
    assert (await shared.look(shared.one)).value == b"value"


@pytest.mark.parametrize("fates", FAILURES)
async def test_a_write_that_the_back_end_did_not_hear_of_is_made_up_for(
    shared: Shared, fates: tuple[Fate, ...]
) -> None:
    """Before its own gateway believes an entry again, and then for the others as well."""
    await shared.fill(shared.one, b"old")
    await shared.on(shared.one.invalidate(["group"]), *fates)
    await shared.idle()
    assert await shared.fast_path(shared.one.lookup([SLOT])) == [Lookup(None, None)]
    await shared.recover()
    assert (await shared.look(shared.one)).value is None
    assert (await shared.look(shared.other)).value is None


async def test_a_write_that_is_missed_while_another_is_made_up_for_is_made_up_for_too(
    shared: Shared,
) -> None:
    """The renewal that was under way came before it."""
    await shared.on(shared.one.invalidate(["group"]), Fate.LOST)
    await shared.idle()
    shared.gates.open(0, Fate.GOES_ON)
    await shared.idle()
    answer = shared.gates.waiting.pop()
    await shared.fill(shared.other, b"old")
    await shared.on(shared.one.invalidate(["group"]), Fate.LOST)
    answer.set_result(Fate.GOES_ON)
    await shared.idle()
    assert await shared.fast_path(shared.one.lookup([SLOT])) == [Lookup(None, None)]
    await shared.recover()
    assert (await shared.look(shared.other)).value is None


async def test_a_cancelled_write_is_made_up_for(shared: Shared) -> None:
    """Whoever cancels it, it may have happened upstream."""
    await shared.fill(shared.one, b"old")
    write = asyncio.ensure_future(shared.one.invalidate(["group"]))
    await shared.idle()
    write.cancel()
    await asyncio.wait([write])
    shared.gates.waiting.clear()
    await shared.idle()
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


@pytest.mark.parametrize("fate", [Fate.UNANSWERED, Fate.LATE])
async def test_a_generation_that_is_set_late_revives_nothing(shared: Shared, fate: Fate) -> None:
    """Nothing was ever put under a generation of which it is not known that it was set."""
    [lookup] = await shared.on(shared.one.lookup([SLOT]), Fate.GOES_ON, Fate.GOES_ON, fate)
    assert lookup == Lookup(None, None)
    await shared.idle()
    await shared.recover()
    await shared.on(shared.one.put([(SLOT, lookup, b"old")], TTL))
    await shared.on(shared.other.invalidate(["group"]))
    while shared.gates.late:
        shared.gates.happen(0)
    assert (await shared.look(shared.one)).value is None


async def test_a_part_holds_until_a_write_or_its_end(shared: Shared) -> None:
    """Whether it was found or put."""
    lookup = await shared.fill(shared.one, b"value")
    put, found = (
        shared.one.part(SLOT, lookup, TTL),
        shared.one.part(SLOT, await shared.look(shared.one), 0),
    )
    assert put == found
    assert put is not None
    assert await shared.on(shared.other.holds([put]))
    shared.time.now += TTL
    assert not await shared.fast_path(shared.other.holds([put]))
    shared.time.now -= TTL
    await shared.on(shared.one.invalidate(["group"]))
    assert not await shared.on(shared.other.holds([put]))


async def test_switched_off_it_does_nothing(shared: Shared) -> None:
    """A lifetime of zero seconds asks no back end for anything."""
    store = CacheStore(GatedBackend(shared.entries, shared.gates), max_ttl=0)
    assert await shared.fast_path(store.lookup([SLOT])) == [Lookup(None, None)]
    await shared.fast_path(store.put([(SLOT, Lookup(None, b"12345678"), b"value")], TTL))
    await shared.fast_path(store.invalidate(["group"]))
    assert shared.gates.waiting == []
