"""Entries that replicas share in a Redis, each sealed for its key and the stream's life.

A life ends with the server's process: one that restarts from a snapshot, or a replica that takes
over, may have lost the last invalidations.
"""

from collections.abc import Iterable, Sequence

from group_gateway.cache.redis.invalidation_stream import InvalidationStream
from group_gateway.cache.redis.redis_cache import RedisCache
from group_gateway.cache.sealed_values import ValueSigner

_NUMBER_BYTES = 8


class SealedEntries:
    """SharedEntries in a RedisCache."""

    def __init__(self, cache: RedisCache, stream: InvalidationStream, signer: ValueSigner) -> None:
        self._cache = cache
        self._stream = stream
        self._signer = signer

    async def get(self, keys: Sequence[str]) -> list[tuple[int, bytes] | None]:
        """See SharedEntries."""
        values: list[bytes | None] = await self._cache.multi_get(keys)
        if len(values) != len(keys):  # aiocache's AIOCACHE_DISABLE is set
            return [None] * len(keys)
        return [
            None if value is None else self._opened(key, value)
            for key, value in zip(keys, values, strict=True)
        ]

    def _opened(self, key: str, value: bytes) -> tuple[int, bytes] | None:
        opened = self._signer.open(self._place(key), value)
        if opened is None or len(opened) < _NUMBER_BYTES:
            return None
        return int.from_bytes(opened[:_NUMBER_BYTES], "big"), opened[_NUMBER_BYTES:]

    async def put(self, entries: Iterable[tuple[str, int, bytes]], ttl: float) -> None:
        """See SharedEntries."""
        pairs = [
            (
                key,
                self._signer.close(self._place(key), number.to_bytes(_NUMBER_BYTES, "big") + body),
            )
            for key, number, body in entries
        ]
        await self._cache.multi_set(pairs, ttl=float(ttl))

    def _place(self, key: str) -> str:
        return f"{self._stream.life}\n{key}"

    async def aclose(self) -> None:
        """See SharedEntries."""
        await self._cache.close()
