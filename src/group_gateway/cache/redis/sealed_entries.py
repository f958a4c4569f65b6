"""Entries that replicas share in a Redis, each sealed for its key and the stream's life.

A life ends with the server's process: one that restarts from a snapshot, or a replica that takes
over, may lack the last invalidations.
"""

import asyncio
from collections.abc import Iterable, Sequence

from group_gateway.cache.entries import Entry
from group_gateway.cache.redis.invalidation_stream import InvalidationStream
from group_gateway.cache.redis.redis_cache import RedisCache
from group_gateway.cache.sealed_values import ValueSigner


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
        return None if packed is None else Entry.of(packed)

    async def put(self, entries: Iterable[tuple[str, Entry]], ttl: float) -> None:
        """See SharedEntries."""
        close, place, stored = self._signer.close, self._place, self._stored
        pairs = [(stored(key), close(place(key), entry.packed())) for key, entry in entries]
        async with asyncio.timeout(self._cache.timeout):
            await self._cache.multi_set(pairs, ttl=float(ttl), timeout=0)

    def _stored(self, key: str) -> str:
        return f"{self._signer.format}:{key}"

    def _place(self, key: str) -> str:
        return f"{self._stream.life}\n{key}"

    async def aclose(self) -> None:
        """See SharedEntries."""
        await self._cache.close()
