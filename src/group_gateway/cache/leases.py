"""Leases: one replica at a time writes to a group or polls it.

No write depends on a lease for safety: it may be lost at any moment, and there is none while Redis
is down. Leases avoid conflicts between replicas, and separate their writes where the upstream
supports no precondition.
"""

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol


class Leases(Protocol):
    """Leases by name."""

    def held(self, name: str, seconds: float) -> AbstractAsyncContextManager[None]:
        """Hold the lease within the block.

        Without the lease, the block runs after `seconds` seconds.
        """

    async def claim(self, name: str, seconds: float) -> bool:
        """Claim a time slot for this replica; return whether it was free."""


class NoLeases:
    """No leases, for a process that shares no Redis: the block runs at once."""

    def held(self, name: str, seconds: float) -> AbstractAsyncContextManager[None]:  # noqa: ARG002
        """See Leases."""
        return nullcontext()

    async def claim(self, name: str, seconds: float) -> bool:  # noqa: ARG002
        """See Leases."""
        return True
