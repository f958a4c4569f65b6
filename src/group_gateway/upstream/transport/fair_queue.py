"""Slots for calls, and the bounded queue of calls that wait for one.

Round robin between callers. One caller may occupy at most half of the queue.
"""

import asyncio
from collections import OrderedDict, deque


class QueueFull(Exception):
    """The queue is full."""


class Slots:
    """At most `most` calls at the same time, and at most `queue` that wait."""

    def __init__(self, most: int, queue: int) -> None:
        self._free = most
        self._queue = queue
        self._waiting = 0
        self._waiters_by_caller: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    def take(self) -> bool:
        """Take a slot if one is free."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def acquire(self, caller_key: str, timeout: float) -> None:  # noqa: ASYNC109 - the wait's own
        """Take a slot, or wait for one; raises QueueFull, and TimeoutError after `timeout`."""
        if self.take():
            return
        waiters = self._waiters_by_caller.get(caller_key)
        if self._waiting >= self._queue or 2 * len(waiters or ()) >= self._queue:
            raise QueueFull
        if waiters is None:
            waiters = self._waiters_by_caller[caller_key] = deque()
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters.append(waiter)
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout):
                await waiter
        except BaseException:
            if waiter.cancelled():
                self._remove(caller_key, waiter)
            else:
                self.release()  # the slot came too late
            raise

    def _remove(self, caller_key: str, waiter: asyncio.Future[None]) -> None:
        waiters = self._waiters_by_caller.get(caller_key)
        if waiters and waiter in waiters:  # else `release` has passed it over
            waiters.remove(waiter)
            self._waiting -= 1
            if not waiters:
                del self._waiters_by_caller[caller_key]

    def release(self) -> None:
        """Release a slot, to a waiter of the next caller, which then moves to the end."""
        while self._waiters_by_caller:
            caller_key, waiters = self._waiters_by_caller.popitem(last=False)
            waiter = waiters.popleft()
            self._waiting -= 1
            if waiters:
                self._waiters_by_caller[caller_key] = waiters
            if not waiter.cancelled():
                waiter.set_result(None)
                return
        self._free += 1
