"""A cache that is never wrong about a write, and whose failure never fails a request.

Each entry carries the *generation* that its tag had before the upstream was asked; a write gives
the tag a new one. An entry counts only while both are equal, so a read that was under way during
a write can't bring the old state back, in whichever order the two end, in any replica. A tag that
was evicted or has expired validates nothing.
"""

import asyncio
import contextlib
import logging
import random
import struct
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from group_gateway.cache.backend import Backend
from group_gateway.cache.pending_invalidations import PendingInvalidations
from group_gateway.observability.telemetry import Telemetry
from group_gateway.operation import CacheDependency

_GENERATION_BYTES = 8
_EXPIRY = struct.Struct(">d")
_HEADER_BYTES = 2 * _GENERATION_BYTES + _EXPIRY.size
_NO_OWNER = bytes(_GENERATION_BYTES)
_PROBE = "probe"
_log = logging.getLogger(__name__)


class Slot(msgspec.Struct, frozen=True):
    """Where an entry lives: its key, and the tag whose writes drop it. All are digests.

    `owner` stands for the caller: once the upstream refuses it, none of its entries is served past
    its time.
    """

    key: str
    tag: str
    owner: str = ""


class Lookup(msgspec.Struct, frozen=True):
    """What a slot held: `value`, good until `expires` (seconds since the epoch), or None.

    `generation` goes back to `put` with the value that was fetched instead; None means that
    nothing must be put.
    """

    value: bytes | None
    generation: bytes | None
    expires: float = 0.0
    owner: bytes = _NO_OWNER


_BYPASS = Lookup(None, None)


class CacheStore:
    """Looks entries up, puts them, and drops them by tag.

    A back end that fails is left alone: nothing in it is believed until it works again and has
    heard of every invalidation that it missed, which is tried every `pause` seconds. The others
    who share it may see what it missed for `max_ttl` seconds, the longest life of an entry, or
    until it is made up for. All who share it must have the same `max_ttl` and `stale`, the seconds
    that entries are kept past their time for `outdated`.
    """

    def __init__(  # noqa: PLR0913 - times, and the clocks that tell them
        self,
        backend: Backend,
        *,
        max_ttl: float,
        stale: float = 0.0,
        pause: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._backend = backend
        self._max_ttl = max_ttl
        self._stale = stale if max_ttl > 0 else 0.0
        self._tag_ttl = 2 * (max_ttl + stale) + 60
        self._pause = pause
        self._clock = clock
        self._wall_clock = wall_clock
        self._telemetry = telemetry or Telemetry()
        # By then every generation that an unheard invalidation was to end has expired by itself.
        self._pending_invalidations = PendingInvalidations(self._tag_ttl)
        self._recovery: asyncio.Task[None] | None = None
        self._is_private = backend.peek(()) is not None
        self._invalidations = 0

    @property
    def epoch(self) -> int | None:
        """The number of invalidations so far: while it stays the same, no entry has been dropped.

        None where that can't be told, because others share the back end or it has failed.
        """
        return self._invalidations if self._is_private and self._is_usable else None

    @property
    def _is_usable(self) -> bool:
        return self._max_ttl > 0 and self._recovery is None

    async def lookup(self, slots: Sequence[Slot]) -> list[Lookup]:
        """Look all slots up at once, in their order."""
        tags = list(dict.fromkeys(slot.tag for slot in slots))
        if self._stale:
            tags += dict.fromkeys(slot.owner for slot in slots)
        values = await self._values([*tags, *(slot.key for slot in slots)])
        if values is None:
            return [_BYPASS] * len(slots)
        generations = dict(zip(tags, values, strict=False))
        new = {tag: _generation() for tag in tags if generations[tag] is None}
        if new and not await self._set(new.items(), self._tag_ttl):
            return [_BYPASS] * len(slots)
        generations.update(new)
        now = self._wall_clock()
        found = [
            _judge(entry, generations[slot.tag], now, generations.get(slot.owner) or _NO_OWNER)
            for slot, entry in zip(slots, values[len(tags) :], strict=True)
        ]
        misses = sum(lookup.value is None for lookup in found)
        self._telemetry.looked_up(len(found) - misses, misses)
        return found

    async def put(self, entries: Iterable[tuple[Slot, Lookup, bytes]], ttl: float) -> None:
        """Keep values for `ttl` seconds, each with the lookup that missed it."""
        ttl = min(ttl, self._max_ttl)
        expires = _EXPIRY.pack(self._wall_clock() + ttl)
        pairs = [
            (slot.key, lookup.generation + lookup.owner + expires + value)
            for slot, lookup, value in entries
            if lookup.generation is not None
        ]
        if pairs and ttl > 0 and self._is_usable:
            await self._set(pairs, ttl + self._stale)

    async def outdated(self, slots: Sequence[Slot]) -> list[tuple[bytes, float] | None]:
        """Give each slot's value even if it is past its time, and for how many seconds it has been.

        A last resort while the upstream is down. Leaves out what a write has dropped, and what was
        put before its owner was last refused. The seconds are negative for what is still good.
        """
        nothing: list[tuple[bytes, float] | None] = [None] * len(slots)
        if not self._stale or not slots:
            return nothing
        values = await self._values([key for s in slots for key in (s.tag, s.owner, s.key)])
        if values is None:
            return nothing
        now = self._wall_clock()
        return [_outdated(values[3 * i : 3 * i + 3], now, self._stale) for i in range(len(slots))]

    async def refused(self, owners: Iterable[str]) -> None:
        """Serve no entry past its time that was put for these owners until now."""
        if self._stale:
            await self.invalidate(owners)

    def part(self, slot: Slot, lookup: Lookup, ttl: float) -> CacheDependency | None:
        """Give the part that stands for a slot's value: found by the lookup, or put for `ttl`."""
        if lookup.generation is None:
            return None
        expires = lookup.expires if lookup.value is not None else self._wall_clock() + ttl
        return CacheDependency(slot.tag, lookup.generation, expires)

    def is_over(self, expires: float) -> bool:
        """Tell whether a time (seconds since the epoch) has come."""
        return expires <= self._wall_clock()

    def holds_now(self, parts: Sequence[CacheDependency]) -> bool | None:
        """Tell whether all parts still hold; None when that can't be told without waiting."""
        if not self._is_usable:
            return False
        now = self._wall_clock()
        if any(part.expires <= now for part in parts):
            return False
        generations = self._backend.peek([part.tag for part in parts])
        return None if generations is None else _same(generations, parts)

    async def holds(self, parts: Sequence[CacheDependency]) -> bool:
        """Tell whether all parts still hold."""
        now = self._wall_clock()
        if any(part.expires <= now for part in parts):
            return False
        generations = await self._values([part.tag for part in parts])
        return generations is not None and _same(generations, parts)

    async def invalidate(self, tags: Iterable[str]) -> None:
        """Drop every entry of these tags, for all callers, before this returns."""
        if self._max_ttl <= 0:
            return
        new = {tag: _generation() for tag in tags}
        told = False
        try:
            told = await self._set(new.items(), self._tag_ttl)
        finally:
            self._invalidations += 1  # not before: until then the old generations are found
            if not told:
                self._pending_invalidations.add(new, self._clock())
                self._failed("an invalidation was not heard")

    async def _values(self, keys: list[str]) -> list[bytes | None] | None:
        """Give the values of the keys; None while the back end can't be trusted."""
        if not self._is_usable:
            return None
        try:
            values = await self._backend.multi_get(keys)
        except Exception as error:  # noqa: BLE001 - whatever a cache raises, the request goes on
            self._failed(type(error).__qualname__)
            return None
        # aiocache gives nothing at all while its AIOCACHE_DISABLE is set. The back end may also
        # have missed an invalidation while it answered.
        return values if len(values) == len(keys) and self._is_usable else None

    async def _set(self, pairs: Iterable[tuple[str, bytes]], ttl: float) -> bool:
        try:
            await self._backend.multi_set(pairs, ttl=ttl)
        except Exception as error:  # noqa: BLE001 - see _values
            self._failed(type(error).__qualname__)
            return False
        return True

    def _failed(self, reason: str) -> None:
        if self._recovery is None:
            _log.warning("The cache fails, and is left alone until it works: %s.", reason)
            self._telemetry.cache(is_left_alone=True)
            self._recovery = asyncio.create_task(self._recover())

    async def _recover(self) -> None:
        """Try until the back end works again and nothing is owed to it."""
        recovered = False
        while not recovered:
            await asyncio.sleep(self._pause)
            due = self._pending_invalidations.due(self._clock())
            new = [(tag, _generation()) for tag in (*due, _PROBE)]
            with contextlib.suppress(Exception):  # see _values
                await self._backend.multi_set(new, ttl=self._tag_ttl, timeout=self._pause)
                self._invalidations += 1
                self._pending_invalidations.settle(due)
                recovered = not self._pending_invalidations
        self._recovery = None
        _log.info("The cache works again.")
        self._telemetry.cache(is_left_alone=False)

    async def aclose(self) -> None:
        """Give back the back end's connections."""
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.wait([self._recovery])
        with contextlib.suppress(Exception):  # see _values
            await self._backend.close()


def _generation() -> bytes:
    """Give a generation. Never one twice: a renewal that arrives late must revive no entry."""
    return random.getrandbits(8 * _GENERATION_BYTES).to_bytes(_GENERATION_BYTES)


def _same(generations: Sequence[bytes | None], parts: Sequence[CacheDependency]) -> bool:
    return list(generations) == [part.generation for part in parts]


def _judge(entry: bytes | None, generation: bytes | None, now: float, owner: bytes) -> Lookup:
    if entry is None or generation is None or entry[:_GENERATION_BYTES] != generation:
        return Lookup(None, generation, owner=owner)
    [expires] = _EXPIRY.unpack_from(entry, 2 * _GENERATION_BYTES)
    if expires <= now:  # it was put late, and the back end counts from then; or it is outdated
        return Lookup(None, generation, owner=owner)
    return Lookup(entry[_HEADER_BYTES:], generation, expires, owner)


def _outdated(
    values: Sequence[bytes | None], now: float, stale: float
) -> tuple[bytes, float] | None:
    generation, owner, entry = values
    if generation is None or owner is None or entry is None:
        return None
    if entry[: 2 * _GENERATION_BYTES] != generation + owner:
        return None
    [expires] = _EXPIRY.unpack_from(entry, 2 * _GENERATION_BYTES)
    return (entry[_HEADER_BYTES:], now - expires) if now < expires + stale else None
