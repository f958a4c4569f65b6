"""Limits of one search: pages, and the time before other tasks run."""

import asyncio

from group_gateway.errors import TooManyUpstreamCalls, UpstreamSearchUnsupported
from group_gateway.operation import Operation

MOST_PAGES = 1000
"""Pages that one search may visit, cached ones included."""
SCAN_PAGES = 20
"""Pages scanned for one result when the upstream can't filter by itself."""
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
        """Yield to the event loop when the time slice is over."""
        now = asyncio.get_running_loop().time()
        if now - self._resumed > _TIME_SLICE:
            await asyncio.sleep(0)
            self._resumed = asyncio.get_running_loop().time()


def scan_limit_reached(looked_at: int, *, is_sort: bool) -> UpstreamSearchUnsupported:
    """Return the error of a search that scanned its limit of pages, with this many groups."""
    if is_sort:
        text = f"There are more than {looked_at} groups, too many to sort. Narrow the filter."
    else:
        text = (
            "The upstream does not search by what was asked for, and the answer was not among"
            f" {looked_at} groups. Ask for fewer at a time, or narrow the filter by type."
        )
    return UpstreamSearchUnsupported(text)
