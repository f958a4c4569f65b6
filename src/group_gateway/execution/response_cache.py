"""Ready responses, kept as long as their data is fresh.

Whole encoded responses are shared. A key includes the caller, so that no caller gets another one's
response.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from group_gateway.bounded_lru import BoundedLRU
from group_gateway.cache.store import CacheStore
from group_gateway.operation import CacheDependency

Reply = TypeVar("Reply")
RequestKey = tuple[str, str, bytes]
"""The caller's scope, the media type, and the bytes of the request."""


@dataclass(slots=True)
class _Ready(Generic[Reply]):
    reply: Reply
    dependencies: Sequence[CacheDependency]
    overhead: int
    """Bytes of the entry beside the response's own."""
    expires: float
    """When the first dependency expires."""
    epoch: int | None = None
    """The cache's epoch at which all dependencies were last seen to hold."""


class ResponseCache(Generic[Reply]):
    """Responses kept while all their cache entries are valid; at most `max_bytes` of them."""

    _OVERHEAD = 1000
    """Bytes of an entry beside key and body."""
    _DEPENDENCY = 250
    """Bytes of a dependency: a tag, a position, a time."""

    def __init__(self, cache: CacheStore, *, max_bytes: int) -> None:
        self._cache = cache
        self._ready: BoundedLRU[RequestKey, _Ready[Reply]] = BoundedLRU(max_bytes=max_bytes)

    def __contains__(self, key: RequestKey) -> bool:
        """Return whether there is a response, valid or not."""
        return key in self._ready

    async def get(self, key: RequestKey) -> Reply | None:
        """Return the response, if there is a valid one."""
        ready = self._ready.get(key)
        if ready is None:
            return None
        holds = self._holds_now(ready)
        if holds is None:
            holds = await self._cache.holds(ready.dependencies)
        return self._judged(key, ready, holds=holds)

    def get_nowait(self, key: RequestKey) -> Reply | None:
        """Return the response, if it is known to be valid without waiting."""
        ready = self._ready.get(key)
        if ready is None:
            return None
        holds = self._holds_now(ready)
        return None if holds is None else self._judged(key, ready, holds=holds)

    def _holds_now(self, ready: _Ready[Reply]) -> bool | None:
        epoch = self._cache.epoch
        if epoch is not None and ready.epoch == epoch:
            return not self._cache.is_over(ready.expires)
        holds = self._cache.holds_now(ready.dependencies)
        if holds:
            ready.epoch = epoch
        return holds

    def _judged(self, key: RequestKey, ready: _Ready[Reply], *, holds: bool) -> Reply | None:
        if holds:
            return ready.reply
        if self._ready.peek(key) is ready:
            self._ready.pop(key)
        return None

    def put(
        self, key: RequestKey, reply: Reply, size: int, dependencies: Sequence[CacheDependency]
    ) -> None:
        """Keep a response of `size` bytes with its dependencies."""
        dependencies = tuple(dict.fromkeys(dependencies))
        overhead = len(key[2]) + self._OVERHEAD + self._DEPENDENCY * len(dependencies)
        expires = min((dependency.expires for dependency in dependencies), default=0.0)
        self._ready.put(key, _Ready(reply, dependencies, overhead, expires), size + overhead)

    def resize(self, key: RequestKey, reply: Reply, size: int) -> None:
        """Record that a response has grown to `size` bytes, if it is still kept."""
        ready = self._ready.peek(key)
        if ready is not None and ready.reply is reply:
            self._ready.put(key, ready, size + ready.overhead)
