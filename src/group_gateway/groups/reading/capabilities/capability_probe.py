"""What is known about one capability of an upstream.

A failure is forgotten after a while, so that a changed upstream is noticed without a restart.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

_RETRY_AFTER = 600.0


@dataclass(slots=True)
class CapabilityProbe:
    """A capability that an upstream may have. `proven` is whether the last try worked."""

    clock: Callable[[], float] = time.monotonic
    failed_at: float | None = None
    proven: bool = False
    learned_at: float = 0.0

    @property
    def worth_trying(self) -> bool:
        """Whether it is not known to fail."""
        return self.failed_at is None or self.clock() - self.failed_at > _RETRY_AFTER

    def learn(self, *, works: bool) -> None:
        """Record whether a try has worked."""
        self.proven = works
        self.learned_at = self.clock()
        self.failed_at = None if works else self.learned_at

    @property
    def recently_proven(self) -> bool:
        """Whether the last try was recent and has worked."""
        return self.proven and self.clock() - self.learned_at <= _RETRY_AFTER
