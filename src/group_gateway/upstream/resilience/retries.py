"""Whether a read is retried, and when. Pure.

Retries must not overload the upstream: pauses are random up to a limit that doubles ("full
jitter"), and over time there is one retry for ten calls and one every two seconds at most, however
many calls fail.
"""

import random
import time
from collections.abc import Callable

from group_gateway.errors import GatewayError, UpstreamTimeout, UpstreamUnavailable
from group_gateway.upstream.upstream_response import UpstreamResponse, retry_after

TRANSIENT = frozenset({502, 503, 504})
"""Statuses that a retry may overcome (RFC 9110, section 15.6). 429 is one if it has a
Retry-After."""
_TOO_MANY = 429
_FIRST_PAUSE = 0.1
"""Limit in seconds of the pause before the first retry. It doubles with each further one."""
LONGEST_PAUSE = 2.0
"""Seconds. If the upstream asks for more, there is no retry, and the caller gets the time."""
_SHARE = 0.1
"""Retries that each call adds to the budget."""
_REFILL = 0.5
"""Retries that each second adds to it, so that rare calls can be retried too."""
_RESERVE = 10.0
"""Retries that the budget holds at most, and at the start."""


class RetryBudget:
    """A token bucket of retries that calls and time fill."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left = _RESERVE
        self._filled_at = clock()

    def note_call(self) -> None:
        """Earn a share of a retry."""
        self._left = min(_RESERVE, self._left + _SHARE)

    def spend(self) -> bool:
        """Take one retry, if there is one."""
        now = self._clock()
        self._left = min(_RESERVE, self._left + _REFILL * (now - self._filled_at))
        self._filled_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def pause(
    outcome: UpstreamResponse | GatewayError,
    attempt: int,
    left: float,
    *,
    chance: Callable[[], float] = random.random,
) -> float | None:
    """Return the seconds to wait before another try; None when there should be none.

    `attempt` counts from 0. `left` is the time left in seconds, half of which is kept for the try
    itself. A timeout is not retried: it has used its time.
    """
    if isinstance(outcome, UpstreamResponse):
        if outcome.status not in TRANSIENT and outcome.status != _TOO_MANY:
            return None
        requested = retry_after(outcome)
        if (requested or 0.0) > LONGEST_PAUSE or (
            outcome.status == _TOO_MANY and requested is None
        ):
            return None
    elif isinstance(outcome, UpstreamTimeout) or not isinstance(outcome, UpstreamUnavailable):
        return None
    else:
        requested = outcome.retry_after
        if requested is not None:  # from the breaker, not from the upstream
            return None
    # Never earlier than requested, and not all at the same moment.
    seconds = (requested or 0.0) + min(LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt) * chance()
    return seconds if seconds <= left / 2 else None
