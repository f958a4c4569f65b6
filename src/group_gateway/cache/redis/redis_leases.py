"""Leases in Redis: short Lua scripts on two keys of one hash tag.

A lease lasts a few seconds and is renewed while its block runs. A waiter reserves the next turn, so
that the last holder does not take the lease again before it.
"""

import asyncio
import logging
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from group_gateway.cache.entries import StoreRefusal
from group_gateway.concurrency import cancel_all

_log = logging.getLogger(__name__)

Evaluate = Callable[[str, list[str], list[str | int]], Awaitable[Any]]
"""Runs a script (Redis' Lua) on keys, with arguments, atomically; may raise anything."""

_LIFE_MS = 3000
"""Milliseconds that a lease lasts unless it is renewed, which bounds the wait for a dead holder. It
is renewed three times in that time."""
_NEXT_MS = 300
"""Milliseconds that the next place in the queue is reserved after a request for it."""
_PAUSE = 0.03
"""Seconds between two tries, at most."""
_COOLDOWN = 1.0
"""Seconds without an attempt after Redis has failed."""

# A waiter precedes the last holder, who would otherwise, with a long queue, take the lease
# again between two tries of the others. A key with a longer life than a lease is not ours.
_TAKE = f"""
for _, key in ipairs(KEYS) do
    local left = redis.call('PTTL', key)
    if left == -1 or left > {_LIFE_MS} then redis.call('DEL', key) end
end
local next = redis.call('GET', KEYS[2])
if next and next ~= ARGV[1] then return 0 end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', {_LIFE_MS}) then
    redis.call('DEL', KEYS[2])
    return 1
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', {_NEXT_MS})
return 0
"""
_RENEW = f"""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], {_LIFE_MS})
"""
_CLAIM = """
return redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[1]) and 1 or 0
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class RedisLeases:
    """Leases in Redis; see `Leases`.

    After a failure there is no attempt for a second, and blocks run without a lease. Replicas share
    time slots that have the same `view` of the upstream: one must see what it looks at for others.
    """

    def __init__(self, evaluate: Evaluate, view: str) -> None:
        self._evaluate = evaluate
        self._view = view
        self._paused_until = 0.0
        self._is_refused = False

    @asynccontextmanager
    async def held(self, name: str, seconds: float) -> AsyncIterator[None]:
        """See Leases."""
        keys = [f"group-gateway:lease:{{{name}}}", f"group-gateway:lease:{{{name}}}:next"]
        token = os.urandom(8).hex()
        if not await self._taken(keys, token, time.monotonic() + seconds):
            yield
            return
        renewal = asyncio.create_task(self._renew(keys, token))
        try:
            yield
        finally:
            await cancel_all([renewal])
            await self._run(_RELEASE, keys, token)

    async def claim(self, name: str, seconds: float) -> bool:
        """See Leases. While Redis is unreachable every time slot is free."""
        milliseconds = max(1, int(seconds * 1000))
        key = f"group-gateway:turn:{{{self._view}:{name}}}"
        return await self._run(_CLAIM, [key], milliseconds) != 0

    async def _taken(self, keys: list[str], token: str, end: float) -> bool:
        answer = await self._run(_TAKE, keys, token)
        while answer == 0 and time.monotonic() < end:
            await asyncio.sleep(_PAUSE * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            answer = await self._run(_TAKE, keys, token)
        return answer == 1

    async def _renew(self, keys: list[str], token: str) -> None:
        while True:
            await asyncio.sleep(_LIFE_MS / 3000)
            await self._run(_RENEW, keys, token)

    async def _run(self, script: str, keys: list[str], argument: str | int) -> object:
        """Return the result of a script; None when Redis is unreachable."""
        if time.monotonic() < self._paused_until:
            return None
        try:
            answer = await self._evaluate(script, keys, [argument])
        except Exception as error:  # noqa: BLE001 - whatever Redis raises, the write goes on
            self._paused_until = time.monotonic() + _COOLDOWN
            if isinstance(error, StoreRefusal) and error.is_lasting and not self._is_refused:
                self._is_refused = True
                _log.warning("Replicas take no turns at writing: %s.", error)
            return None
        self._is_refused = False
        return answer
