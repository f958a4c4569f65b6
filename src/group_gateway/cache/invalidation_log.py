"""The order of invalidations: in this process alone, or shared by replicas."""

from collections.abc import Callable, Sequence
from typing import Protocol

from group_gateway.cache.invalidation_history import InvalidationHistory

EVERYTHING = "*"
"""The tag that stands for all tags."""


class InvalidationLog(Protocol):
    """Invalidations in one order for all processes that share it.

    `history` is the part known to this process. It is current until `silence` seconds have passed
    without contact to the log.
    """

    history: InvalidationHistory
    silence: float

    @property
    def is_current(self) -> bool:
        """Whether the history can't lack an invalidation older than `silence` seconds."""

    def watch(self, *, lost: Callable[[Exception], None], restarted: Callable[[], None]) -> None:
        """Call `lost` with the cause when the log is lost, `restarted` when it starts anew."""

    async def caught_up(self) -> bool:
        """Wait for the log, within its usual time; return whether the history is current."""

    async def append(self, tags: Sequence[str]) -> None:
        """Invalidate tags. Return once the history has them; raise if the log may lack them."""

    async def aclose(self) -> None:
        """Stop following the log."""


class LocalInvalidationLog:
    """The log of a process that shares its entries with nobody."""

    is_current = True
    silence = 0.0

    def __init__(self, history: InvalidationHistory) -> None:
        self.history = history

    def watch(self, *, lost: Callable[[Exception], None], restarted: Callable[[], None]) -> None:
        """See InvalidationLog. It is never lost."""

    async def caught_up(self) -> bool:
        """See InvalidationLog."""
        return True

    async def append(self, tags: Sequence[str]) -> None:
        """See InvalidationLog."""
        self.history.record(tags, self.history.position + 1)

    async def aclose(self) -> None:
        """See InvalidationLog."""
