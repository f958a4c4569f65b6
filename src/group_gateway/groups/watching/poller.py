"""Poll watched groups and lists: each once, for all listeners in all replicas."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from group_gateway.cache.leases import Leases
from group_gateway.concurrency import BackgroundTasks
from group_gateway.errors import BadUserInput, Forbidden, GatewayError, Unauthenticated
from group_gateway.events import Events
from group_gateway.groups.reading.invalidation import Invalidator
from group_gateway.groups.watching.watch import Watch
from group_gateway.operation import Caller

Key = TypeVar("Key", bound=Hashable)
SomeWatch = TypeVar("SomeWatch", bound=Watch[Any, Any])
T = TypeVar("T")
Look = Callable[[Caller], Awaitable[Collection[str]]]
"""Reads past the cache, for a caller; returns the ids of the groups that have changed."""

_LONGEST_PAUSE = 60.0
"""Longest pause in seconds between polls of a failing upstream, unless the interval is longer."""
_LONGEST_REQUESTED = 300.0
"""Longest pause in seconds that a `Retry-After` of the upstream brings about. Subscribers hear of
nothing meanwhile, and an alert on failing polls needs polls."""
_FIRST_PAUSE = 1.0
_LEASE = 0.85
"""Fraction of an interval for which a poll's lease lasts: less than the shortest pause."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Polling:
    """How often the upstream is polled, and who is notified of what a poll finds.

    Polls start every `interval` seconds and take at most `timeout` seconds. Replicas take turns by
    `leases`.
    """

    invalidator: Invalidator
    events: Events
    leases: Leases
    interval: float
    timeout: float


class Poller(Generic[Key, SomeWatch]):
    """The watches of one kind, polled as `polling` says, at most `at_once` in parallel.

    `count` is called with the number of watches when it changes.
    """

    def __init__(self, polling: Polling, count: Callable[[int], None], *, at_once: int) -> None:
        self._invalidator = polling.invalidator
        self._events = polling.events
        self._leases = polling.leases
        self._count = count
        self._interval = polling.interval
        self._parallel = asyncio.Semaphore(at_once)
        self._watches: dict[Key, SomeWatch] = {}
        self._polls: dict[Key, asyncio.Task[None]] = {}
        self._tasks = BackgroundTasks()

    def __iter__(self) -> Iterator[SomeWatch]:
        return iter(self._watches.values())

    def get(self, key: Key) -> SomeWatch | None:
        """Return the watch of a key, if anybody listens."""
        return self._watches.get(key)

    def start(self, key: Key, watch: SomeWatch, look: Look, *, lease: str) -> None:
        """Add a watch. Replicas that poll the same thing name the same lease."""
        self._watches[key] = watch
        self._polls[key] = self._tasks.spawn(self._repeat(watch, look, f"poll:{lease}"))
        self._count(len(self._watches))

    def stop_idle(self, key: Key, watch: SomeWatch) -> None:
        """Remove a watch that has no listener left."""
        if not watch and self._watches.get(key) is watch:
            del self._watches[key]
            self._polls.pop(key).cancel()
            self._count(len(self._watches))

    async def aclose(self) -> None:
        """Stop polling."""
        await self._tasks.cancel()

    async def _repeat(self, watch: SomeWatch, look: Look, lease: str) -> None:
        pause = self._interval
        while True:
            await _sleep_about(pause)
            try:
                if await self._leases.claim(lease, _LEASE * self._interval):
                    async with self._parallel:
                        await self._poll(watch, look)
            except GatewayError as failure:
                self._events.polled("failed")
                longest = max(self._interval, _LONGEST_PAUSE)
                pause = pause_after(failure, min(2 * pause, longest))
            except Exception:  # noqa: BLE001 - it must not be the last poll
                _log.exception("A poll failed unexpectedly.")
            else:
                pause = self._interval

    async def _poll(self, watch: SomeWatch, look: Look) -> None:
        """Poll once, for the next caller that the upstream does not refuse."""
        while (caller := watch.next_caller()) is not None:
            try:
                changed = await look(caller)
            except (Forbidden, Unauthenticated) as refusal:
                self._events.polled("refused")
                # First: the last listener that is notified cancels this poll.
                await self._invalidator.refused(caller)
                watch.refuse(caller, refusal)
                continue
            self._events.polled("changed" if changed else "unchanged")
            for id in changed:
                await self._invalidator.invalidate(id)
            return


@contextmanager
def once_accepted() -> Iterator[None]:
    """Note on a refusal within the block that the upstream has accepted the credential before."""
    try:
        yield
    except Unauthenticated as refusal:
        refusal.was_accepted = True
        raise


async def until_answered(read: Callable[[], Awaitable[T]]) -> T:
    """Repeat a read until the upstream responds.

    Raises only the errors which mean that the caller may not see this any more.
    """
    pause = _FIRST_PAUSE
    while True:
        try:
            return await read()
        except (BadUserInput, Forbidden, Unauthenticated):
            raise
        except GatewayError as failure:
            await _sleep_about(pause_after(failure, pause))
        pause = min(2 * pause, _LONGEST_PAUSE)


def pause_after(failure: GatewayError, pause: float) -> float:
    """Return the pause after a failed poll: what the upstream asks for, within a bound."""
    return max(pause, min(failure.retry_after or 0.0, _LONGEST_REQUESTED))


async def _sleep_about(seconds: float) -> None:
    """Sleep for about this long, at random, so that polls spread out."""
    await asyncio.sleep(seconds * random.uniform(0.9, 1.1))  # noqa: S311 - no secret
