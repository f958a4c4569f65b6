"""The order of invalidations: in this process alone, or shared by replicas."""

from collections.abc import Callable, Sequence
from typing import Protocol

from group_gateway.cache.invalidation_history import InvalidationHistory

EVERYTHING = "*"
"""A tag that stands for all tags."""


class InvalidationLog(Protocol):
    """Invalidations in one order for all who share it. `history` is the part known here.

    After `silence` seconds without word it is not current.
    """

    history: InvalidationHistory
    silence: float

    @property
    def is_current(self) -> bool:
        """Whether the history lacks no invalidation, within the log's time bound."""

    def watch(self, *, lost: Callable[[str], None], restarted: Callable[[], None]) -> None:
        """Call `lost` with a reason when the log can't be followed, `restarted` when it is new."""

    async def caught_up(self) -> bool:
        """Wait until it is current, within the log's usual time; return whether it is."""

    async def append(self, tags: Sequence[str]) -> None:
        """Invalidate tags. Returns once the history holds that; raises if the log may not."""

    async def aclose(self) -> None:
        """Stop following the log."""


class LocalInvalidationLog:
    """The log of a process that shares its entries with nobody."""

    is_current = True
    silence = 0.0

    def __init__(self, history: InvalidationHistory) -> None:
        self.history = history

    def watch(self, *, lost: Callable[[str], None], restarted: Callable[[], None]) -> None:
        """See InvalidationLog. It is never lost."""

    async def caught_up(self) -> bool:
        """See InvalidationLog."""
        return True

    async def append(self, tags: Sequence[str]) -> None:
        """See InvalidationLog."""
        self.history.record(tags, self.history.position + 1)

    async def aclose(self) -> None:
        """See InvalidationLog."""
