"""The upstream's clock as observed from here. Pure.

An upstream without entity tags tells states apart by whole seconds of its own clock. It shows them
in the `Date` of its responses, which only says which second had begun when the response was
stamped: at some time between the request and the response's arrival.
"""

import math
import time
from collections.abc import Callable

from group_gateway.bounded_lru import BoundedLRU

_DRIFT = 0.0005
"""Drift of two clocks, in seconds per second, at most: NTP's maximal slew rate."""
_CLOSE_ENOUGH = 0.1
_LATE = 0.005
"""Seconds to wait longer than computed, because a timer may fire early."""
_LONGEST_PAUSE = 3.0


class UpstreamClock:
    """Bounds on how far the upstream's clock is ahead of ours (`now`, in seconds).

    Safety depends on the lower bound: it never puts the upstream's clock ahead of what a response
    has shown. The upper bound only allows to read sooner. Responses that contradict the bounds (a
    clock that was set, several servers, a `Date` that lags) replace them.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._least = -math.inf
        self._most = math.inf
        self._observed = now()

    def observe(self, date: int, sent_at: float) -> None:
        """Adjust the estimate to a response received now: its `date`, and when the request left."""
        arrived = self.now()
        slack = _DRIFT * (arrived - self._observed)
        self._observed = arrived
        least, most = date - arrived, date + 1 - sent_at
        self._least = max(least, self._least - slack)
        self._most = min(most, self._most + slack)
        if self._least > self._most:
            self._least, self._most = least, most

    def second_begun(self, sent_at: float, date: int) -> int:
        """Return the latest second that had surely begun upstream at the time `sent_at`.

        It is never later than `date`, the response's own stamp, which must have been observed.
        """
        return min(date, math.floor(sent_at + self._least))

    def pause_until_after(self, second: int) -> float:
        """Return the seconds to wait before a read can show that `second` is over.

        While the bounds are far apart, the pause ends half-way between them: the next response then
        halves the distance.
        """
        if self._least == -math.inf:
            return 0.0
        latest = second + 1 - self._least - self.now()
        earliest = second + 1 - self._most - self.now()
        wait = latest if latest - earliest <= _CLOSE_ENOUGH else (earliest + latest) / 2
        return max(0.0, wait + _LATE)


class LastWrites:
    """The second of the upstream's clock in which each group was last known to be written.

    Bounded: of more than `most` groups those written longest ago are forgotten. That costs one
    upstream call at worst, because the precondition is what makes a write safe.
    """

    def __init__(self, clock: UpstreamClock, most: int = 1000) -> None:
        self.clock = clock
        self._seconds: BoundedLRU[str, int] = BoundedLRU(max_entries=most)

    def __len__(self) -> int:
        return len(self._seconds)

    def note(self, id: str, second: int | None) -> None:
        """Record that a group was, or may have been, written in a second."""
        if second is None:
            return
        self._seconds.put(id, max(second, self.second(id) or second))

    def second(self, id: str) -> int | None:
        """Return the second of a group's last write, None if none is known."""
        return self._seconds.peek(id)

    def pause(self, id: str) -> float:
        """Return the seconds until a read of this group is certainly later than its last write."""
        second = self.second(id)
        if second is None:
            return 0.0
        pause = self.clock.pause_until_after(second)
        if pause > _LONGEST_PAUSE:  # the upstream's clock was set back: the record is void
            self._seconds.pop(id)
            return 0.0
        return pause
