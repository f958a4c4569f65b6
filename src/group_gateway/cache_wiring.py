"""Builds the cache, and what replicas share, from the settings that concern them."""

from collections.abc import Callable
from typing import Any

from group_gateway.cache.invalidation_history import InvalidationHistory
from group_gateway.cache.leases import Leases, NoLeases
from group_gateway.cache.local_store import local_store
from group_gateway.cache.memory import MemoryCache
from group_gateway.cache.redis.invalidation_stream import InvalidationStream
from group_gateway.cache.redis.redis_cache import RedisCache
from group_gateway.cache.redis.redis_leases import RedisLeases
from group_gateway.cache.redis.sealed_entries import SealedEntries
from group_gateway.cache.redis.topology import TlsFiles, topology_of
from group_gateway.cache.sealed_values import ValueEncryptor, ValueSigner
from group_gateway.cache.store import CacheStore, entries_lifetime
from group_gateway.config import Settings
from group_gateway.digests import DigestKeys
from group_gateway.events import Events

_MEGABYTE = 1024 * 1024


def build_cache(
    settings: Settings, keys: DigestKeys, events: Events, clock: Callable[[], float]
) -> tuple[CacheStore, Leases]:
    """Return the cache and the leases: of this process, or of all who share a Redis."""
    bounds: dict[str, Any] = {
        "max_entries": settings.cache_entries,
        "max_bytes": settings.cache_megabytes * _MEGABYTE,
    }
    store: dict[str, Any] = {
        "max_ttl": settings.cache_ttl,
        "stale": settings.cache_stale,
        "events": events,
        "clock": clock,
    }
    if not is_shared(settings):
        return local_store(**bounds, **store), NoLeases()
    redis = build_redis(settings)
    stream = InvalidationStream(
        redis,
        InvalidationHistory(lifetime=entries_lifetime(settings.cache_ttl, settings.cache_stale)),
        name=keys.digest("invalidations", settings.upstream_url),
        silence=settings.cache_silence,
        timeout=settings.cache_timeout,
    )
    signer = ValueEncryptor(keys) if settings.cache_encryption else ValueSigner(keys)
    shared = SealedEntries(redis, stream, signer)
    seen = (settings.upstream_url, settings.upstream_headers, *settings.account())
    leases = RedisLeases(redis.evaluate, keys.digest("view", *seen))
    return CacheStore(MemoryCache(**bounds), stream, shared, **store), leases


def build_redis(settings: Settings) -> RedisCache:
    """Return the Redis that replicas share. Opens nothing yet."""
    tls = TlsFiles(settings.cache_ca_file, settings.cache_certificate_file, settings.cache_key_file)
    topology = topology_of(settings.cache_url, timeout=settings.cache_timeout, tls=tls)
    return RedisCache(topology, namespace="group-gateway", timeout=settings.cache_timeout)


def is_shared(settings: Settings) -> bool:
    """Return whether the cache is one that replicas share."""
    return not settings.cache_url.startswith("memory:")
