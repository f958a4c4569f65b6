"""Admission: how many operations a process takes on at once. Used by `endpoint`.

A process that can't keep up would answer everybody late. It is known by its event loop, whose
timers come late: then fewer are taken, and the others told at once to come back. Pure but for the
loop's clock.
"""

import asyncio

from group_gateway.errors import Overloaded
from group_gateway.web.wire import RequestRefused

RETRY_AFTER = 1
"""Seconds that a client is told to wait: by then the process has found its measure again."""
_INTERVAL = 0.05
_LATE = 0.025
_LEAST = 16


class Admission:
    """At most `most` operations at once, fewer while the event loop is late.

    The bound falls by a third each time that a timer is late by more than 25 ms, and grows by a
    tenth each time that it is not; a light load is never refused. `AIMD`, as TCP does it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._bound = float(most)
        self._active = 0
        self._due: float | None = None

    def __enter__(self) -> None:
        """Take an operation on; raises RequestRefused, with OVERLOADED, where there is no room."""
        if self._active >= self._bound:
            message = "The gateway is busy. Try again in a second."
            raise RequestRefused(message, 503, Overloaded.code, retry_after=RETRY_AFTER)
        self._active += 1
        if self._due is None:
            self._watch()

    def __exit__(self, *_: object) -> None:
        """Let go of an operation."""
        self._active -= 1

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + _INTERVAL
        loop.call_at(self._due, self._adapt, loop)

    def _adapt(self, loop: asyncio.AbstractEventLoop) -> None:
        due, self._due = self._due or 0.0, None
        if loop.time() - due > _LATE:
            self._bound = max(min(self._bound, self._active) * 2 / 3, min(_LEAST, self._most))
        else:
            self._bound = min(self._bound * 1.1 + 1, self._most)
        if self._active or self._bound < self._most:
            self._watch()
