"""A cache that is never wrong about a write, and whose failure never fails a request.

Each entry carries the *generation* that its tag had before the upstream was asked; a write gives
the tag a new one. An entry counts only while both are equal, so a read that was under way during
a write can't bring the old state back, in whichever order the two end, in any replica. A tag that
was evicted validates nothing.
"""

import operator
import os
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from group_gateway.cache.backend import Backend
from group_gateway.operation import Part

_GENERATION_BYTES = 8
_EXPIRY = struct.Struct(">d")
_HEADER_BYTES = _GENERATION_BYTES + _EXPIRY.size


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an entry lives: its key, and the tag whose writes drop it. Both are digests."""

    key: str
    tag: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a slot held: `value`, good until `expires` (seconds since the epoch), or None.

    `generation` goes back to `put` with the value that was fetched instead; None means that
    nothing must be put.
    """

    value: bytes | None
    generation: bytes | None
    expires: float = 0.0


_BYPASS = Lookup(None, None)


class CacheStore:
    """Looks entries up, puts them, and drops them by tag.

    A back end that fails or is slow is left alone for `pause` seconds. An invalidation that it
    missed is made up for before any entry is believed again; after `max_ttl` seconds, the
    longest life of an entry, there is nothing left to make up for.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        max_ttl: float,
        pause: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._backend = backend
        self._max_ttl = max_ttl
        self._tag_ttl = 2 * max_ttl + 60
        self._pause = pause
        self._clock = clock
        self._wall_clock = wall_clock
        self._closed_until = 0.0
        self._missed: dict[str, float] = {}

    async def lookup(self, slots: Sequence[Slot]) -> list[Lookup]:
        """Look all slots up at once, in their order."""
        if self._max_ttl <= 0 or not await self._ready():
            return [_BYPASS] * len(slots)
        tags = list(dict.fromkeys(slot.tag for slot in slots))
        try:
            values = await self._backend.multi_get([*tags, *(slot.key for slot in slots)])
            generations = dict(zip(tags, values, strict=False))
            await self._begin(generations)
        except Exception:  # noqa: BLE001 - whatever a cache raises, the request goes on
            self._failed()
            return [_BYPASS] * len(slots)
        return [
            _judge(entry, generations[slot.tag])
            for slot, entry in zip(slots, values[len(tags) :], strict=True)
        ]

    async def _begin(self, generations: dict[str, bytes | None]) -> None:
        new = {
            tag: os.urandom(_GENERATION_BYTES)
            for tag, generation in generations.items()
            if generation is None
        }
        if new:
            await self._backend.multi_set(new.items(), ttl=self._tag_ttl)
            generations.update(new)

    async def put(self, entries: Iterable[tuple[Slot, Lookup, bytes]], ttl: float) -> None:
        """Keep values for `ttl` seconds, each with the lookup that missed it."""
        expires = _EXPIRY.pack(self._wall_clock() + ttl)
        pairs = [
            (slot.key, lookup.generation + expires + value)
            for slot, lookup, value in entries
            if lookup.generation is not None
        ]
        if not pairs or ttl <= 0 or self._clock() < self._closed_until:
            return
        try:
            await self._backend.multi_set(pairs, ttl=min(ttl, self._max_ttl))
        except Exception:  # noqa: BLE001 - see lookup
            self._failed()

    def part(self, slot: Slot, lookup: Lookup, ttl: float) -> Part | None:
        """Give what stands for a slot's value, found by this lookup or put after it for `ttl`."""
        if lookup.generation is None:
            return None
        expires = lookup.expires if lookup.value is not None else self._wall_clock() + ttl
        return Part(slot.tag, lookup.generation, expires)

    def holds_now(self, parts: Sequence[Part]) -> bool | None:
        """Tell whether all parts still hold; None when that can't be told without waiting."""
        if self._missed:
            return None
        now = self._wall_clock()
        for part in parts:
            if part.expires <= now:
                return False
        generations = self._backend.peek([part.tag for part in parts])
        return None if generations is None else _same(generations, parts)

    async def holds(self, parts: Sequence[Part]) -> bool:
        """Tell whether all parts still hold."""
        now = self._wall_clock()
        if any(part.expires <= now for part in parts) or not await self._ready():
            return False
        try:
            generations = await self._backend.multi_get([part.tag for part in parts])
        except Exception:  # noqa: BLE001 - see lookup
            self._failed()
            return False
        return _same(generations, parts)

    async def invalidate(self, tags: Iterable[str]) -> None:
        """Drop every entry of these tags, for all callers, before this returns."""
        if self._max_ttl > 0:
            self._missed.update(dict.fromkeys(tags, self._clock()))
            await self._make_up()

    async def _ready(self) -> bool:
        if self._clock() < self._closed_until:
            return False
        return not self._missed or await self._make_up()

    async def _make_up(self) -> bool:
        oldest = self._clock() - self._max_ttl
        missed = {tag: at for tag, at in self._missed.items() if at >= oldest}
        new = [(tag, os.urandom(_GENERATION_BYTES)) for tag in missed]
        try:
            if new:
                await self._backend.multi_set(new, ttl=self._tag_ttl)
        except Exception:  # noqa: BLE001 - see lookup
            self._failed()
            return False
        self._missed = {t: at for t, at in self._missed.items() if missed.get(t, oldest) < at}
        return True

    def _failed(self) -> None:
        self._closed_until = self._clock() + self._pause

    async def aclose(self) -> None:
        """Give back the back end's connections."""
        await self._backend.close()


def _same(generations: Sequence[bytes | None], parts: Sequence[Part]) -> bool:
    return all(map(operator.eq, generations, (part.generation for part in parts)))


def _judge(entry: bytes | None, generation: bytes | None) -> Lookup:
    if (
        entry is None
        or generation is None
        or len(entry) < _HEADER_BYTES
        or entry[:_GENERATION_BYTES] != generation
    ):
        return Lookup(None, generation)
    [expires] = _EXPIRY.unpack_from(entry, _GENERATION_BYTES)
    return Lookup(entry[_HEADER_BYTES:], generation, expires)
