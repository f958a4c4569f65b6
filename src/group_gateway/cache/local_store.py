"""The cache of a process that shares it with nobody."""

from typing import Any

from group_gateway.cache.invalidation_history import InvalidationHistory
from group_gateway.cache.invalidation_log import LocalInvalidationLog
from group_gateway.cache.memory import MemoryCache
from group_gateway.cache.store import CacheStore, entries_lifetime


def local_store(
    *, max_entries: int, max_bytes: int, max_ttl: float, stale: float = 0.0, **options: Any
) -> CacheStore:
    """Return a store in memory; `options` are the store's."""
    history = InvalidationHistory(lifetime=entries_lifetime(max_ttl, stale))
    local = MemoryCache(max_entries=max_entries, max_bytes=max_bytes)
    log = LocalInvalidationLog(history)
    return CacheStore(local, log, max_ttl=max_ttl, stale=stale, **options)
