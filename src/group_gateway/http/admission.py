"""Admission: how many operations a process takes on at once.

A process that can't keep up would answer everybody late. It is known by its event loop, which is
never idle then: fewer operations are taken, and the others told at once to come back. Pure but for
the loop's clock.
"""

import asyncio
from collections.abc import Iterator, Sized
from contextlib import contextmanager

from group_gateway.errors import Overloaded
from group_gateway.http.requests import RequestRefused

RETRY_AFTER = 1
"""Retry-After, in seconds, of a shed request; by then the limit has adapted."""
_INTERVAL = 0.01
_LATE = 0.002  # uvloop's timers are right to a millisecond
_FAR_TOO_LATE = 0.05
_SATURATED = 0.7
_IDLE = 0.1
_WEIGHT = 0.1
_LOWERS_AFTER = 0.1
_SHARE_KEPT = 2 / 3
_GROWTH = 0.4
_GROWTH_AT_LEAST = 10.0
_ALWAYS = 128
_LEAST = 8


class Admission:
    """At most `most` operations at once, fewer when more come than the event loop has time for.

    A timer each 10 ms samples the loop: one that comes late found it busy. 128 operations are taken
    however busy it is, more only while fewer than 70 % of the last 10 or so samples found it so,
    and none is overdue by 50 ms. Where one is refused the process is overloaded: those that it has
    get no more done at once than a few would, they only wait for each other. So the bound falls by
    a third each 100 ms, down to 8, as long as the loop is busy and others are refused; otherwise
    it rises, by 40 % and 10 in a second. What operations wait for, such as an upstream, leaves the
    loop idle and lowers nothing.

    Where there are no more connections than that, 128 are taken under overload too: clients that
    ask again at once, whatever they are told, would otherwise be refused for ever.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._always = min(most, _ALWAYS)
        self._bound = float(most)
        self._active = 0
        self._connections: Sized = ()
        self._due: float | None = None
        self._busy = 0.0
        self._has_refused = False
        self._lowered = float("-inf")

    def track_connections(self, connections: Sized) -> None:
        """Take into account how many connections a server has."""
        self._connections = connections

    def __enter__(self) -> None:
        """Take an operation on; raises its `refusal` where there is no room."""
        if not self.has_room():
            raise self.refusal()
        self._active += 1
        if self._due is None:
            self._sample()

    def __exit__(self, *_: object) -> None:
        """Release the slot of an operation."""
        self._active -= 1

    def has_room(self) -> bool:
        """Return whether another operation would be taken on."""
        if self._active < self._always:
            return self._active < self._bound or 0 < len(self._connections) <= self._always
        return self._active < self._bound and not self._is_behind()

    def refusal(self) -> RequestRefused:
        """Return the refusal of an operation for which there is no room: OVERLOADED."""
        self._has_refused = True
        message = "The gateway is busy. Try again in a second."
        return RequestRefused(message, 503, Overloaded.code, retry_after=RETRY_AFTER)

    @contextmanager
    def extended(self) -> Iterator[None]:
        """Hold the place of an operation that was taken on for longer: within the block."""
        self._active += 1
        try:
            yield
        finally:
            self._active -= 1

    def _is_behind(self) -> bool:
        """Return whether the loop has no time to spare, or has not even called the timer."""
        overdue = asyncio.get_running_loop().time() - (self._due or float("inf"))
        return self._busy > _SATURATED or overdue > _FAR_TOO_LATE

    def _sample(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + _INTERVAL
        loop.call_at(self._due, self._adapt, loop)

    def _adapt(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        late, self._due = now - (self._due or now), None
        self._busy += _WEIGHT * ((late > _LATE) - self._busy)
        if self._busy <= _SATURATED or not self._has_refused:
            growth = (_INTERVAL + late) * (self._bound * _GROWTH + _GROWTH_AT_LEAST)
            self._bound = min(self._bound + growth, self._most)
        elif now > self._lowered + _LOWERS_AFTER:
            fewer = max(min(self._bound, self._active) * _SHARE_KEPT, _LEAST)
            self._bound, self._lowered = min(self._bound, fewer), now
        self._has_refused = False
        # Until the loop is idle: it would otherwise sample nothing but moments with operations.
        if self._active or self._bound < self._most or self._busy > _IDLE:
            self._sample()
