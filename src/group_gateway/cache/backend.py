"""The aiocache back ends: a bounded memory, or Redis. The only module that imports aiocache.

aiocache 0.12.3's own memory back end has no bound and keeps a timer for each key, and its
decorators log values; so this one is ours behind aiocache's interface, and `store` calls only
the plural forms of get and set.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from aiocache import RedisCache
from aiocache.base import BaseCache
from aiocache.serializers import NullSerializer
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from group_gateway.cache.leases import Evaluate
from group_gateway.cache.sealed_values import ValueSigner

_ENTRY_OVERHEAD = 300
"""Bytes that an entry costs beside its key and value: dict slot, tuple, objects' headers.

Measured: 250 to 290 by tracemalloc, most when the dict has just grown.
"""
_CONNECTIONS = 16
"""To Redis, at most. One answers thousands of calls in a second."""
_PATIENCE = 1.0
"""Seconds for a connection and its first words, at least; a call's own timeout cuts it short."""
_RUN_ID = re.compile(rb"run_id:(\w+)")


class Backend(Protocol):
    """What `store` uses of an aiocache cache. Values are bytes; every method may raise."""

    async def multi_get(self, keys: Iterable[str]) -> list[bytes | None]:
        """Give the value of each key, None where there is none."""

    def peek(self, keys: Sequence[str]) -> list[bytes | None] | None:
        """Give the values at once; None when that can't be had without waiting."""

    async def multi_set(
        self,
        pairs: Iterable[tuple[str, bytes]],
        ttl: float,
        *,
        timeout: float = ...,  # noqa: ASYNC109 - aiocache's own
    ) -> Any:
        """Set all pairs for `ttl` seconds, within `timeout` seconds if that is given."""

    async def close(self) -> Any:
        """Give back connections."""

    @property
    def evaluate(self) -> Evaluate | None:
        """Run a script, within the back end's usual time; None where nobody else shares it."""


class BoundedMemoryCache(BaseCache):  # type: ignore[misc]  # aiocache ships no types
    """An aiocache back end in memory, as far as `store` uses one: the least recently used go first.

    Holds at most `max_entries` entries and `max_bytes` bytes, keys and bookkeeping included. A
    value that alone is larger is not kept.
    """

    evaluate = None

    def __init__(
        self, *, max_entries: int, max_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        # Without a timeout aiocache wraps no call in a task: 2 µs instead of 7.
        super().__init__(serializer=NullSerializer(), timeout=None)
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def peek(self, keys: Sequence[str]) -> list[bytes | None]:
        """Give the values at once: what aiocache's layers cost is most of a look-up's cost."""
        return [self._value(key) for key in keys]

    def _value(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[0] <= self._clock():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry[1]

    async def _multi_get(self, keys: list[str], **_: Any) -> list[bytes | None]:
        return self.peek(keys)

    async def _multi_set(
        self, pairs: list[tuple[str, bytes]], ttl: float, _conn: Any = None
    ) -> bool:
        for key, value in pairs:
            self._keep(key, value, ttl)
        return True

    def _keep(self, key: str, value: bytes, ttl: float) -> None:
        self._drop(key)
        size = _size(key, value)
        if size > self._max_bytes:
            return
        self._entries[key] = (self._clock() + ttl, value)
        self.bytes += size
        while len(self._entries) > self._max_entries or self.bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.bytes -= _size(key, entry[1])


def _size(key: str, value: bytes) -> int:
    return len(key) + len(value) + _ENTRY_OVERHEAD


class _SealedRedisCache(RedisCache):  # type: ignore[misc]  # aiocache ships no types
    """aiocache's Redis back end over a URL, its values sealed, all pairs written in one go.

    A value counts only for the Redis process that it was written to, whose `run_id` is the seal's
    epoch: one that restarts from a snapshot, or a replica that takes over, may have lost the last
    invalidations.
    """

    def __init__(self, url: str, signer: ValueSigner, *, timeout: float) -> None:
        self._signer = signer
        patience = max(timeout, _PATIENCE)
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=patience,
            socket_timeout=patience,
            socket_connect_timeout=patience,
            protocol=2,  # the third has the server tell the client to go elsewhere
            redis_connect_func=self._greet,
        )
        super().__init__(
            connection_pool_class=lambda **_: pool,
            serializer=NullSerializer(encoding=None),  # else values are decoded as text
            namespace="group-gateway",
            timeout=timeout,
        )

    async def _greet(self, connection: AbstractConnection) -> None:
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        try:
            found = _RUN_ID.search(await connection.read_response())
        except ResponseError:  # not allowed to ask
            found = None
        self._signer.epoch = found[1].decode() if found else ""

    def peek(self, keys: Sequence[str]) -> None:
        """See Backend."""

    async def _multi_get(self, keys: list[str], **_: Any) -> list[bytes | None]:
        values = await self.client.mget(keys)
        return [
            None if value is None else self._signer.open(key, value)
            for key, value in zip(keys, values, strict=True)
        ]

    async def _multi_set(
        self, pairs: list[tuple[str, bytes]], ttl: float, _conn: Any = None
    ) -> bool:
        async with self.client.pipeline(transaction=False) as pipe:
            for key, value in pairs:
                pipe.set(key, self._signer.close(key, value), px=max(1, int(ttl * 1000)))
            await pipe.execute()
        return True

    async def evaluate(self, script: str, keys: list[str], arguments: list[str | int]) -> Any:
        """See Backend."""
        async with asyncio.timeout(self.timeout):
            return await self.client.eval(script, len(keys), *keys, *arguments)

    async def _close(self, *_: Any, **__: Any) -> None:
        await self.client.aclose()
        await self.client.connection_pool.disconnect()


def memory_backend(*, max_entries: int, max_bytes: int) -> BoundedMemoryCache:
    """Give a bounded back end in this process's memory."""
    return BoundedMemoryCache(max_entries=max_entries, max_bytes=max_bytes)


def redis_backend(url: str, signer: ValueSigner, *, timeout: float) -> Backend:
    """Give a back end in Redis, shared by all replicas; each call takes `timeout` seconds at most.

    `url` is `redis://`, `rediss://` or `unix://`. Opens nothing until used.
    """
    backend: Backend = _SealedRedisCache(url, signer, timeout=timeout)
    return backend
