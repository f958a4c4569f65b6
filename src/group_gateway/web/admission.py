"""Admission: how many operations a process takes on at once. Used by `endpoint`.

A process that can't keep up would answer everybody late. It is known by its event loop, whose
timers come late: then fewer are taken, and the others told at once to come back. Pure but for the
loop's clock.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from group_gateway.errors import Overloaded
from group_gateway.web.wire import RequestRefused

RETRY_AFTER = 1
"""Seconds that a client is told to wait: by then the process has found its measure again."""
_INTERVAL = 0.05
_LATE = 0.025
_IN_A_ROW = 3
_FAR_TOO_LATE = 0.1
_GROWTH = 1.02
_BURST = 128
_BURST_SECONDS = 1.0
_LEAST = 16


class Admission:
    """At most `most` operations at once, fewer while the event loop is late.

    The bound falls by a third while timers are late by more than 25 ms, three and more of them in
    a row: one large group can hold up a process that has nothing else to do. It falls at once, and
    as far as it must, where one is late by more than 100 ms; and grows by a fiftieth each time that
    none is. 128 operations are always taken in a burst; where timers have been late for more than a
    second it is none, and 16 are, so that the loop comes around soon enough to turn others away.
    `AIMD`, as TCP does it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._bound = float(most)
        self._active = 0
        self._due: float | None = None
        self._late_in_a_row = 0
        self._late_since: float | None = None

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
        due, self._due = self._due or 0.0, None
        late = loop.time() - due
        if late <= _LATE:
            self._late_in_a_row, self._late_since = 0, None
        else:
            self._late_in_a_row += 1
            self._late_since = self._late_since or due
        if late > _FAR_TOO_LATE:
            self._shrink(_FAR_TOO_LATE / late, loop.time())
        elif self._late_in_a_row >= _IN_A_ROW:
            self._shrink(2 / 3, loop.time())
        elif not self._late_in_a_row:
            self._bound = min(self._bound * _GROWTH + 1, self._most)
        if self._active or self._bound < self._most:
            self._watch()

    def _shrink(self, share: float, now: float) -> None:
        is_burst = now - (self._late_since or now) < _BURST_SECONDS
        least = min(_BURST if is_burst else _LEAST, self._bound)
        self._bound = max(min(self._bound, self._active) * share, least)
