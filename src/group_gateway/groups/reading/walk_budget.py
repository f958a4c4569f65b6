"""What the walk of one search may take: pages, and time before others have their turn."""

import asyncio

from group_gateway.errors import TooManyUpstreamCalls
from group_gateway.operation import Operation

MOST_PAGES = 1000
"""Pages that one search may visit, cached ones included."""
_TIME_SLICE = 0.005
"""Seconds that a walk over cached pages may take before it yields to the event loop."""


class WalkBudget:
    """The pages that a search may still visit, and its time slice."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._pages_left = MOST_PAGES
        self._resumed = 0.0

    async def spend(self, pages: int = 1) -> None:
        """Take pages off the budget.

        Raises TooManyUpstreamCalls when it is spent, and UpstreamTimeout after the deadline.
        """
        self._operation.remaining()
        self._pages_left -= pages
        if self._pages_left < 0:
            raise TooManyUpstreamCalls("The upstream has more pages than one operation may visit.")
        await self.pause()

    async def pause(self) -> None:
        """Let others have their turn when the time slice is over."""
        now = asyncio.get_running_loop().time()
        if now - self._resumed > _TIME_SLICE:
            await asyncio.sleep(0)
            self._resumed = asyncio.get_running_loop().time()
