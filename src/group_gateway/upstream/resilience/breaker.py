"""A circuit breaker: when to send nothing to a failing upstream. Pure.

It counts neither calls nor failures, but the distinct requests, and the distinct callers, whose
last response was a failure. A group that always fails counts once, however often it is requested,
and a credential that breaks the upstream counts as one caller. Neither opens the breaker for
others.
"""

import time
from collections.abc import Callable

from group_gateway.bounded_lru import BoundedLRU

_SPAN = 10.0
"""Seconds that a verdict counts."""
_LEAST = 10
"""Distinct requests in that time, at least, before the breaker may open."""
_MOST = 1000
"""Distinct requests, or callers, that are remembered."""


class _Verdicts:
    """Whether the last try failed, for each of the last keys. Noting is cheap, judging is not."""

    def __init__(self) -> None:
        self._last: BoundedLRU[object, tuple[float, bool]] = BoundedLRU(max_entries=_MOST)

    def __contains__(self, key: object) -> bool:
        return key in self._last

    def note(self, key: object, verdict: tuple[float, bool]) -> None:
        """Record when a try ended, and whether it failed."""
        self._last.put(key, verdict)

    def most_fail(self, since: float, least: int) -> bool:
        """Return whether more than half of the recent ones failed, if there are enough of them."""
        if len(self._last) < least:
            return False
        verdicts = [failed for at, failed in self._last.values() if at >= since]
        return len(verdicts) >= least and 2 * sum(verdicts) > len(verdicts)


class Breaker:
    """Opens when most requests and most callers fail; closes when a probe succeeds.

    While it is open, one call at a time is allowed as a probe: the first after each cooldown
    (seconds), or the first of a caller without a verdict.
    """

    def __init__(self, cooldown: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cooldown = cooldown
        self._clock = clock
        self._probe_at = 0.0
        self._probing = False
        self._close()

    def _close(self) -> None:
        self.is_open = False
        self._requests = _Verdicts()
        self._callers = _Verdicts()

    def wait(self, caller: str) -> float:
        """Return the seconds until a call is allowed; 0 when this one is."""
        if not self.is_open:
            return 0.0
        left = self._probe_at - self._clock()
        if not self._probing and (left <= 0 or caller not in self._callers):
            return 0.0
        return max(left, 1.0)

    def begin(self) -> bool:
        """Start an allowed call; return whether it is a probe."""
        if self.is_open:
            self._probing = True
        return self.is_open

    def end(
        self, request: object, caller: str, *, probe: bool = False, failed: bool | None = None
    ) -> None:
        """End a call; `failed` is None when the outcome says nothing about the upstream."""
        if probe:
            self._probing = False
        if failed is None:
            return
        now = self._clock()
        if probe and not failed:
            self._close()
        verdict = (now, failed)
        self._requests.note(request, verdict)
        self._callers.note(caller, verdict)
        if failed and (probe or self._is_down(now - _SPAN)):
            self.is_open = True
            self._probe_at = now + self._cooldown

    def _is_down(self, since: float) -> bool:
        return self._requests.most_fail(since, _LEAST) and self._callers.most_fail(since, 1)
