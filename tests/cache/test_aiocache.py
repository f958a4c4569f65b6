"""Both back ends are complete aiocache caches: they do all that aiocache's own promise."""

import asyncio
from collections.abc import AsyncIterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from aiocache.lock import OptimisticLock, OptimisticLockError, RedLock
from aiocache.plugins import HitMissRatioPlugin
from aiocache.serializers import JsonSerializer, PickleSerializer, StringSerializer

from group_gateway.cache.memory import MemoryCache
from group_gateway.cache.redis.redis_cache import RedisCache
from group_gateway.cache.redis.topology import topology_of
from redis_server import redis_server
from replicas.redis_topologies import cluster


class Key(Enum):
    """A key as aiocache takes it too."""

    ONE = "one"


@pytest.fixture(params=["memory", "redis"])
async def make(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    """Return a function that makes caches with options on one back end."""
    if request.param == "memory":
        yield lambda **options: MemoryCache(max_entries=100, max_bytes=1_000_000, **options)
        return
    with redis_server(tmp_path) as server:
        made: list[RedisCache] = []

        def one(**options: Any) -> RedisCache:
            made.append(RedisCache(topology_of(server.url, timeout=5), **options))
            return made[-1]

        yield one
        for each in made:
            await each.close()


@pytest.fixture
def cache(make: Any) -> Any:
    """Return a cache of text."""
    return make(serializer=StringSerializer())


async def test_get_and_set(cache: Any) -> None:
    """A value comes back; what is not there is None, or a default."""
    assert await cache.set("a", "1") is True
    assert await cache.get("a") == "1"
    assert await cache.set("a", "2") is True
    assert await cache.get("a") == "2"
    assert await cache.get("none", default="other") == "other"
    await cache.set(Key.ONE, "by an enum")
    assert await cache.get("one") == "by an enum"


async def test_the_plural_forms(cache: Any) -> None:
    """Values come in the order of the keys."""
    assert await cache.multi_set([("a", "1"), ("b", "2"), (Key.ONE, "3")]) is True
    assert await cache.multi_get(["b", "none", "a", Key.ONE]) == ["2", None, "1", "3"]
    assert await cache.multi_get([]) == []
    assert await cache.multi_set([]) is True


async def test_add(cache: Any) -> None:
    """It raises ValueError for an existing key, and keeps its value."""
    assert await cache.add("a", "1") is True
    with pytest.raises(ValueError, match="already exists"):
        await cache.add("a", "2")
    assert await cache.get("a") == "1"
    assert await cache.add("short", "1", ttl=0.02) is True
    await _gone(cache, "short")
    assert await cache.add("short", "2") is True


async def test_delete_and_exists(cache: Any) -> None:
    """Deleting returns the number of deleted keys."""
    await cache.set("a", "1")
    assert await cache.exists("a") is True
    assert await cache.delete("a") == 1
    assert await cache.delete("a") == 0
    assert await cache.exists("a") is False


async def _gone(cache: Any, key: str) -> None:
    async with asyncio.timeout(10):
        while await cache.exists(key):  # noqa: ASYNC110 - nobody tells of an end
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("ttl", [0.05, 1])
async def test_lives(make: Any, ttl: float) -> None:
    """A life is in seconds, whole or not; each call, or the cache, names one."""
    for cache, named in ((make(), {"ttl": ttl}), (make(ttl=ttl), {})):
        await cache.set("a", b"1", **named)
        await cache.multi_set([("b", b"1"), ("c", b"1")], **named)
        assert await cache.multi_get(["a", "b", "c"]) == [b"1"] * 3
        for key in "abc":
            await _gone(cache, key)
        await cache.set("a", b"1", ttl=None)
        assert await cache.get("a") == b"1"
        await cache.delete("a")


async def test_expire(cache: Any) -> None:
    """A life can be given, and taken away by 0; who is not there has none."""
    await cache.multi_set([("a", "1"), ("b", "2")])
    assert await cache.expire("none", 1) is False
    assert await cache.expire("a", 0.05) is True
    assert await cache.expire("b", 0.05) is True
    assert await cache.expire("b", 0) is True
    await _gone(cache, "a")
    assert await cache.get("b") == "2"


async def test_increment(make: Any) -> None:
    """It begins with the step, goes both ways, keeps the life, and takes integers alone."""
    cache = make()
    assert await cache.increment("n") == 1
    assert await cache.increment("n", 4) == 5
    assert await cache.increment("n", delta=-7) == -2
    await cache.set("text", b"abc")
    with pytest.raises(TypeError):
        await cache.increment("text")
    await cache.expire("n", 0.05)
    await cache.increment("n")
    await _gone(cache, "n")


async def test_namespaces(make: Any) -> None:
    """Each holds its own keys; clearing one leaves others, also those that begin like it."""
    one, longer, plain = (make(namespace=name) for name in ("n", "ns", None))
    await one.set("a", b"1")
    await one.set("a", b"2", namespace="n*")
    assert await one.get("a") == b"1"
    assert await one.get("a", namespace="n*") == b"2"
    assert await longer.get("a") is None
    if isinstance(one, RedisCache):  # in memory each cache is one of its own
        assert await plain.get("n:a") == b"1"
        await longer.set("a", b"3")
        assert await plain.clear("n") is True
        assert await longer.get("a") == b"3"
    assert await one.clear("n") is True
    assert await one.get("a") is None
    assert await one.get("a", namespace="n*") == b"2"
    assert await one.clear("n*") is True
    assert await one.get("a", namespace="n*") is None


async def test_clear(make: Any) -> None:
    """Without a namespace all goes."""
    cache = make()
    await cache.multi_set([(str(number), b"1") for number in range(60)])
    assert await cache.clear() is True
    assert await cache.multi_get([str(number) for number in range(60)]) == [None] * 60


async def test_raw(cache: Any) -> None:
    """Commands of the client, or of a dict, by their names."""
    await cache.set("a", "1")
    assert await cache.raw("get", "a") == "1"
    assert await cache.raw("keys", *(["*"] if isinstance(cache, RedisCache) else [])) == ["a"]
    await cache.raw("set" if isinstance(cache, RedisCache) else "setdefault", "b", "2")
    assert await cache.get("b") == "2"
    await cache.raw("delete" if isinstance(cache, RedisCache) else "pop", "a")
    assert not await cache.exists("a")


@pytest.mark.parametrize("serializer", [JsonSerializer(), PickleSerializer(encoding=None)])
async def test_serializers(make: Any, serializer: Any) -> None:
    """Aiocache's own work, and by them values of any kind."""
    cache = make(serializer=serializer)
    value = {"a": [1, None, "ü"]}
    await cache.set("a", value)
    assert await cache.get("a") == value
    assert await cache.multi_get(["a"]) == [value]


async def test_bytes_stay_bytes(make: Any) -> None:
    """Without a serializer any bytes do."""
    cache = make()
    await cache.set("a", bytes(range(256)))
    assert await cache.get("a") == bytes(range(256))


async def test_what_may_change_is_not_kept_in_memory() -> None:
    """A list would be everybody's; a tuple of what can't change is taken."""
    cache = MemoryCache(max_entries=10, max_bytes=10_000)
    for wrong in ([1], {"a": 1}, ({},), bytearray(b"1")):
        with pytest.raises(TypeError, match="may change"):
            await cache.set("a", wrong)
    value = ("a", 1, None, (b"1", 2.5))
    await cache.set("a", value)
    assert await cache.get("a") == value


async def test_plugins_and_timeouts(make: Any) -> None:
    """Plugins are called around operations; a timeout may be named for each."""
    cache = make(plugins=[HitMissRatioPlugin()])
    await cache.set("a", b"1", timeout=5)
    await cache.get("a")
    await cache.get("none")
    assert cache.hit_miss_ratio == {"total": 2, "hits": 1, "hit_ratio": 0.5}


async def test_locks(make: Any) -> None:
    """Aiocache's locks work on both: one waits, one notices a change."""
    cache = make(serializer=StringSerializer())
    order = []
    async with RedLock(cache, "key", lease=5):

        async def second() -> None:
            async with RedLock(cache, "key", lease=5):
                order.append("second")

        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.02)
        order.append("first")
    await waiting
    assert order == ["first", "second"]
    await cache.set("a", "1")
    async with OptimisticLock(cache, "a") as lock:
        assert await lock.cas("2", ttl=10) is True
    async with OptimisticLock(cache, "a") as lock:
        await cache.set("a", "another's")
        with pytest.raises(OptimisticLockError):
            await lock.cas("3")
    assert await cache.get("a") == "another's"


async def test_use_as_a_context(make: Any) -> None:
    """Leaving it closes it, and a connection can be named for several calls."""
    async with make() as cache, cache.get_connection() as connection:
        await connection.set("a", b"1")
        assert await connection.get("a") == b"1"


async def test_no_command_crosses_slots(tmp_path: Path) -> None:
    """In a cluster the plural forms and clearing work on keys of all nodes."""
    async with (
        cluster(tmp_path) as servers,
        RedisCache(topology_of(servers.url, timeout=10), namespace="n", timeout=10) as cache,
    ):
        pairs = [(str(number), b"%d" % number) for number in range(50)]
        await cache.multi_set(pairs, ttl=60.0)
        assert await cache.multi_get([key for key, _ in pairs]) == [v for _, v in pairs]
        assert await cache.increment("count", 2) == 2
        assert await cache.clear("n") is True
        assert await cache.multi_get([key for key, _ in pairs]) == [None] * 50
