"""A complete aiocache cache in a Redis or Valkey of any topology; no command crosses slots.

aiocache 0.12.3's own back end knows one server, uses MSET and MGET over all keys, KEYS to clear a
namespace, and whole seconds for expiry.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from aiocache.base import BaseCache
from aiocache.serializers import NullSerializer
from redis.asyncio import RedisCluster
from redis.exceptions import ResponseError

from group_gateway.cache.redis.refusals import REFUSALS, refused
from group_gateway.cache.redis.topology import RedisTopology

_AT_ONCE = 16
"""Calls in flight. One connection answers thousands of calls per second."""
_CHUNK = 500
"""Keys that one command of `clear` drops."""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
_COMPARE_AND_SET = """
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[1])
else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3]) end
return 1
"""


class RedisCache(BaseCache):  # type: ignore[misc]  # aiocache ships no types
    """An aiocache cache in Redis. Each call takes `timeout` seconds at most.

    Without another serializer values are bytes in, bytes out.
    """

    NAME = "redis"

    def __init__(self, topology: RedisTopology, **options: Any) -> None:
        options.setdefault("serializer", NullSerializer(encoding=None))
        super().__init__(**options)
        self.topology = topology
        self.client = topology.client
        self._calls = asyncio.Semaphore(_AT_ONCE)

    def _build_key(self, key: str, namespace: str | None = None) -> str:
        space = self.namespace if namespace is None else namespace
        name = getattr(key, "value", key)
        return f"{space}:{name}" if space else name

    async def _get(self, key: str, encoding: str | None = None, **_: Any) -> Any:
        async with self._calls:
            try:
                return _decoded(await self.client.get(key), encoding)
            except REFUSALS as error:
                raise refused("GET", error) from None

    async def _gets(self, key: str, encoding: str | None = None, **_: Any) -> Any:
        return await self._get(key, encoding=encoding or self.serializer.encoding)

    async def _multi_get(
        self, keys: Sequence[str], encoding: str | None = None, **_: Any
    ) -> list[Any]:
        if not keys:
            return []
        if isinstance(self.client, RedisCluster) and len(keys) > 1:
            values = await self._in_one_go("GET", lambda pipe: [pipe.get(key) for key in keys])
        else:
            async with self._calls:
                try:
                    values = await self.client.mget(keys)
                except REFUSALS as error:
                    raise refused("MGET", error) from None
        return [_decoded(value, encoding) for value in values]

    async def _in_one_go(self, command: str, fill: Callable[[Any], object]) -> list[Any]:
        """Pipeline calls of a command to the nodes that hold their keys."""
        async with self._calls, self.client.pipeline(transaction=False) as pipe:
            fill(pipe)
            try:
                answers: list[Any] = await pipe.execute()
            except REFUSALS as error:
                raise refused(command, error) from None
            return answers

    async def _set(
        self,
        key: str,
        value: Any,
        ttl: float | None = None,
        _cas_token: Any = None,
        _conn: Any = None,
    ) -> bool:
        async with self._calls:
            if _cas_token is None:
                try:
                    return bool(await self.client.set(key, value, px=_milliseconds(ttl)))
                except REFUSALS as error:
                    raise refused("SET", error) from None
            life = "" if _milliseconds(ttl) is None else str(_milliseconds(ttl))
            done = await self.client.eval(_COMPARE_AND_SET, 1, key, value, _cas_token, life)
            return bool(done)

    async def _multi_set(
        self, pairs: Iterable[tuple[str, Any]], ttl: float | None = None, _conn: Any = None
    ) -> bool:
        life = _milliseconds(ttl)
        wanted = list(pairs)
        if len(wanted) == 1:
            return await self._set(*wanted[0], ttl=ttl)
        if wanted:
            await self._in_one_go("SET", lambda pipe: [pipe.set(k, v, px=life) for k, v in wanted])
        return True

    async def _add(self, key: str, value: Any, ttl: float | None = None, _conn: Any = None) -> bool:
        async with self._calls:
            done = await self.client.set(key, value, px=_milliseconds(ttl), nx=True)
        if not done:
            raise ValueError(f"Key {key} already exists, use .set to update the value")
        return True

    async def _exists(self, key: str, _conn: Any = None) -> bool:
        async with self._calls:
            return bool(await self.client.exists(key))

    async def _increment(self, key: str, delta: int, _conn: Any = None) -> int:
        async with self._calls:
            try:
                return int(await self.client.incrby(key, delta))
            except ResponseError:
                raise TypeError("Value is not an integer") from None

    async def _expire(self, key: str, ttl: float, _conn: Any = None) -> bool:
        life = _milliseconds(ttl)
        async with self._calls:
            if life is not None:
                return bool(await self.client.pexpire(key, life))
            await self.client.persist(key)
            return bool(await self.client.exists(key))

    async def _delete(self, key: str, _conn: Any = None) -> int:
        async with self._calls:
            return int(await self.client.delete(key))

    async def _clear(self, namespace: str | None = None, _conn: Any = None) -> bool:
        space = self.namespace if namespace is None else namespace
        pattern = f"{_literal(space)}:*" if space else "*"
        found: list[Any] = []
        async for key in self.client.scan_iter(match=pattern, count=_CHUNK):
            found.append(key)
            if len(found) == _CHUNK:
                await self._drop(found)
                found = []
        await self._drop(found)
        return True

    async def _drop(self, keys: Sequence[Any]) -> None:
        if keys:
            await self._in_one_go(
                "UNLINK", lambda pipe: [pipe.execute_command("UNLINK", key) for key in keys]
            )

    async def _raw(
        self, command: str, *args: Any, encoding: str | None = None, _conn: Any = None, **named: Any
    ) -> Any:
        async with self._calls:
            answer = await getattr(self.client, command)(*args, **named)
        if isinstance(answer, list):
            return [_decoded(each, encoding) for each in answer]
        return _decoded(answer, encoding)

    async def _redlock_release(self, key: str, value: Any) -> int:
        async with self._calls:
            return int(await self.client.eval(_RELEASE, 1, key, value))

    async def evaluate(self, script: str, keys: list[str], arguments: list[str | int]) -> Any:
        """Run a script on keys of one slot, within the cache's timeout; may raise anything."""
        return await self.command("EVAL", script, len(keys), *keys, *arguments)

    async def command(self, name: str, *arguments: str | int) -> Any:
        """Run a command, within the cache's timeout; may raise anything."""
        async with asyncio.timeout(self.timeout), self._calls:
            try:
                return await self.client.execute_command(name, *arguments)
            except REFUSALS as error:
                raise refused(name, error) from None

    async def _close(self, *_: Any, **__: Any) -> None:
        await self.topology.aclose()


def _milliseconds(ttl: float | None) -> int | None:
    return max(1, int(ttl * 1000)) if ttl else None


def _decoded(value: Any, encoding: str | None) -> Any:
    return value.decode(encoding) if encoding and isinstance(value, bytes) else value


def _literal(text: str) -> str:
    """Return a Redis pattern that matches this text only."""
    return "".join(f"\\{sign}" if sign in "*?[]\\^-" else sign for sign in text)
