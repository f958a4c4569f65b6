"""The memory back end is bounded in entries and bytes, and forgets what was used least recently."""

import gc
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from group_gateway.cache.memory import MemoryCache

ROOM = 1_000_000


class Clock:
    """Seconds that pass when the test says so."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


async def _set(cache: MemoryCache, *keys: str, value: bytes = b"v", ttl: float = 60) -> None:
    await cache.multi_set([(key, value) for key in keys], ttl=ttl)


async def test_it_gives_back_what_was_set() -> None:
    """Values come in the order of the keys, None where there is none."""
    cache = MemoryCache(max_entries=10, max_bytes=ROOM)
    await cache.multi_set([("a", b"1"), ("b", b"\xff\x00")], ttl=60)
    assert await cache.multi_get(["b", "none", "a"]) == [b"\xff\x00", None, b"1"]
    assert cache.peek(["b", "none", "a"]) == [b"\xff\x00", None, b"1"]


async def test_an_entry_lives_for_its_time() -> None:
    """A value lives until its time is over, which starts again when it is set again."""
    clock = Clock()
    cache = MemoryCache(max_entries=10, max_bytes=ROOM, clock=clock)
    await _set(cache, "a", "b", ttl=10)
    clock.now += 9.9
    await _set(cache, "b", ttl=10)
    assert cache.peek(["a", "b"]) == [b"v", b"v"]
    clock.now += 0.1
    assert cache.peek(["a", "b"]) == [None, b"v"]
    assert len(cache) == 1


async def test_the_least_recently_used_entry_goes_first() -> None:
    """A look keeps an entry young, through the plural get as through a peek."""
    cache = MemoryCache(max_entries=3, max_bytes=ROOM)
    await _set(cache, "a", "b", "c")
    await cache.multi_get(["a"])
    cache.peek(["b"])
    await _set(cache, "d", "e")
    assert cache.peek(["a", "b", "c", "d", "e"]) == [None, b"v", None, b"v", b"v"]


async def test_a_value_larger_than_the_cache_is_not_kept() -> None:
    """It neither throws the others out nor leaves the old value of its key behind."""
    cache = MemoryCache(max_entries=10, max_bytes=2000)
    await _set(cache, "a", "b")
    await _set(cache, "b", value=bytes(2000))
    assert cache.peek(["a", "b"]) == [b"v", None]


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3000), st.floats(0.1, 5)),
        max_size=60,
    )
)
async def test_the_bounds_hold_whatever_is_set(sets: list[tuple[str, int, float]]) -> None:
    """Entries and bytes stay within the bounds, and the counts are exact."""
    clock = Clock()
    cache = MemoryCache(max_entries=4, max_bytes=5000, clock=clock)
    for key, size, ttl in sets:
        await _set(cache, key, value=bytes(size), ttl=ttl)
        clock.now += 1
        kept = [value for value in cache.peek(list("abcdefgh")) if value is not None]
        assert len(cache) == len(kept) <= 4
        assert sum(map(len, kept)) < cache.bytes <= 5000 or (cache.bytes == 0 and not kept)


@pytest.mark.parametrize("size", [0, 8, 500, 20_000])
async def test_what_an_entry_counts_covers_what_it_costs(size: int) -> None:
    """The process holds no more memory for a full cache than the bound says."""
    bound = 1_000_000
    cache = MemoryCache(max_entries=1_000_000, max_bytes=bound)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(2 * bound // (300 + size)):
            await _set(cache, f"{number:064}", value=bytes(size))
            assert number % 500 or tracemalloc.get_traced_memory()[0] <= bound
        assert cache.bytes > 0.9 * bound
    finally:
        tracemalloc.stop()
