"""Admission control: how many operations a process executes at the same time.

An overloaded process would answer every client late. The event loop shows overload: it is never
idle. Then the process admits fewer operations and refuses the others at once with Retry-After. This
module does no I/O; it only reads the loop's clock.
"""

import asyncio
from collections.abc import Iterator, Sized
from contextlib import contextmanager

from group_gateway.errors import Overloaded
from group_gateway.http.requests import RequestRefused

RETRY_AFTER = 1
"""Retry-After of a refused request, in seconds. The limit has adapted by then."""
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
    """Admit at most `most` operations at once, and fewer while the event loop is overloaded.

    A timer samples the loop every 10 ms: a late timer means that the loop was busy. 128 operations
    are admitted however busy the loop is. More are admitted only while fewer than 70 % of the last
    ten or so samples were busy and no sample is overdue by 50 ms.

    A refusal means overload. Operations that run side by side then only wait for each other, so the
    limit falls by a third every 100 ms, down to 8, as long as the loop is busy and requests are
    refused. Otherwise it rises by 40 % plus 10 each second. Waiting for the upstream leaves the
    loop idle and lowers nothing.

    With 128 connections or fewer, 128 operations are admitted under overload too: clients that
    retry at once, whatever the response says, would otherwise be refused for ever.
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
        """Use the size of this set as the number of open connections."""
        self._connections = connections

    def __enter__(self) -> None:
        """Admit an operation; raise `refusal` if there is no room."""
        if not self.has_room():
            raise self.refusal()
        self._active += 1
        if self._due is None:
            self._sample()

    def __exit__(self, *_: object) -> None:
        """Release the slot of an operation."""
        self._active -= 1

    def has_room(self) -> bool:
        """Return whether another operation would be admitted."""
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
        """Keep an admitted operation's slot until the end of the block."""
        self._active += 1
        try:
            yield
        finally:
            self._active -= 1

    def _is_behind(self) -> bool:
        """Return whether the loop is busy or overdue with its timer."""
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
