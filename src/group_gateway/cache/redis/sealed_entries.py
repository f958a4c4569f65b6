"""Entries that replicas share in a Redis, each sealed for its key and the stream's life.

A life ends with the server's process: one that restarts from a snapshot, or a replica that takes
over, may lack the last invalidations. In Redis an entry expires by the server's clock.
"""

import asyncio
from collections.abc import Iterable, Sequence

from group_gateway.cache.entries import Entry
from group_gateway.cache.redis.invalidation_stream import InvalidationStream
from group_gateway.cache.redis.redis_cache import RedisCache
from group_gateway.cache.sealed_values import ValueSigner

_CHECK = "check"
_CHECK_SECONDS = 1.0


class SealedEntries:
    """SharedEntries in a RedisCache.

    asyncio's timeout replaces that of aiocache, an `asyncio.wait_for`, which before Python 3.12
    swallows a cancellation that comes just as its coroutine has ended.
    """

    def __init__(self, cache: RedisCache, stream: InvalidationStream, signer: ValueSigner) -> None:
        self._cache = cache
        self._stream = stream
        self._signer = signer

    async def get(self, keys: Sequence[str]) -> list[Entry | None]:
        """See SharedEntries."""
        stored = [*map(self._stored, keys)]
        async with asyncio.timeout(self._cache.timeout):
            values: list[bytes | None] = await self._cache.multi_get(stored, timeout=0)
        if len(values) != len(keys):  # aiocache's AIOCACHE_DISABLE is set
            return [None] * len(keys)
        return [
            None if value is None else self._opened(key, value)
            for key, value in zip(keys, values, strict=True)
        ]

    def _opened(self, key: str, value: bytes) -> Entry | None:
        packed = self._signer.open(self._place(key), value)
        if packed is None:
            return None
        entry = Entry.of(packed)
        return entry._replace(expires=self._stream.server_clock.ours(entry.expires))

    async def put(self, entries: Iterable[tuple[str, Entry]], ttl: float) -> None:
        """See SharedEntries."""
        close, place, stored = self._signer.close, self._place, self._stored
        theirs = self._stream.server_clock.theirs
        pairs = [
            (stored(key), close(place(key), entry._replace(expires=theirs(entry.expires)).packed()))
            for key, entry in entries
        ]
        async with asyncio.timeout(self._cache.timeout):
            await self._cache.multi_set(pairs, ttl=float(ttl), timeout=0)

    async def check(self) -> None:
        """See SharedEntries. One key and two may be read by different commands."""
        await self.put([(_CHECK, Entry(0, 0.0, b""))], _CHECK_SECONDS)
        await self.get([_CHECK])
        await self.get([_CHECK, f"{_CHECK}:other"])

    def _stored(self, key: str) -> str:
        return f"{self._signer.format}:{key}"

    def _place(self, key: str) -> str:
        return f"{self._stream.life}\n{key}"

    async def aclose(self) -> None:
        """See SharedEntries."""
        await self._cache.close()
