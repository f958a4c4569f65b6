"""Admission: how many operations a process takes on at once. Used by `endpoint`.

A process that can't keep up would answer everybody late. It is known by its event loop, which is
never idle then: fewer operations are taken, and the others told at once to come back. Pure but for
the loop's clock.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from group_gateway.errors import Overloaded
from group_gateway.web.wire import RequestRefused

RETRY_AFTER = 1
"""Seconds that a client is told to wait: by then the process has found its measure again."""
_INTERVAL = 0.01
_LATE = 0.002  # uvloop's timers are right to a millisecond
_FAR_TOO_LATE = 0.05
_SATURATED = 0.7
_WEIGHT = 0.1
_IDLE = 0.1
_SHARE_KEPT = 2 / 3
_ADAPTS_AFTER = 0.1
_GROWTH = 0.4
_GROWTH_AT_LEAST = 10.0
_BURST = 128
_LEAST = 8


class Admission:
    """At most `most` operations at once, fewer while the event loop has no time to spare.

    A timer each 10 ms samples the loop: one that comes late found it busy. While more than 70 % of
    them do, more operations at once get no more done, they only wait for each other; so the bound
    falls by a third each 100 ms, down to 8, and rises again (by 40 % and 10 in a second) when they
    do not. What operations wait for, as an upstream, leaves the loop idle and lowers nothing.
    Samples are taken until the loop is idle, for else only the operations' own turns were seen.

    The samples are weighed over the last 10 or so, so a burst of 128 is always taken. More are not
    when a timer comes late by 50 ms, or has not come at all by then.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._bound = float(most)
        self._active = 0
        self._due: float | None = None
        self._busy = 0.0
        self._lowered = 0.0

    def __enter__(self) -> None:
        """Take an operation on; raises RequestRefused, with OVERLOADED, where there is no room."""
        if self._active >= self._bound or (self._active >= _BURST and self._is_far_too_late()):
            message = "The gateway is busy. Try again in a second."
            raise RequestRefused(message, 503, Overloaded.code, retry_after=RETRY_AFTER)
        self._active += 1
        if self._due is None:
            self._watch()

    def __exit__(self, *_: object) -> None:
        """Let go of an operation."""
        self._active -= 1

    @contextmanager
    def extended(self) -> Iterator[None]:
        """Hold the place of an operation that was taken on for longer: within the block."""
        self._active += 1
        try:
            yield
        finally:
            self._active -= 1

    def _is_far_too_late(self) -> bool:
        """Tell whether the timer that is due has not even been called."""
        due = self._due
        return due is not None and asyncio.get_running_loop().time() - due > _FAR_TOO_LATE

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + _INTERVAL
        loop.call_at(self._due, self._adapt, loop)

    def _adapt(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        due, self._due = self._due or now, None
        late = now - due
        self._busy += _WEIGHT * ((late > _LATE) - self._busy)
        if late > _FAR_TOO_LATE:
            self._lower(_FAR_TOO_LATE / late, now)
        elif self._busy <= _SATURATED:
            self._raise(_INTERVAL + late)
        elif now >= self._lowered + _ADAPTS_AFTER:
            self._lower(_SHARE_KEPT, now)
        if self._active or self._bound < self._most or self._busy > _IDLE:
            self._watch()

    def _raise(self, seconds: float) -> None:
        growth = seconds * (self._bound * _GROWTH + _GROWTH_AT_LEAST)
        self._bound = min(self._bound + growth, self._most)

    def _lower(self, share: float, now: float) -> None:
        least = _BURST if self._busy <= _SATURATED else _LEAST
        self._bound = max(min(self._bound, self._active) * share, min(self._bound, least))
        self._lowered = now
