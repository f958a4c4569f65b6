"""Tries a store that has failed until it works, and says so in the log: once, not at each try."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from group_gateway.cache.entries import StoreFailure, StoreRefusal
from group_gateway.cache.pauses import Pauses
from group_gateway.concurrency import cancel_all
from group_gateway.events import Events

_log = logging.getLogger(__name__)

_TRUST_SECONDS = 10.0
"""Seconds that a store must have worked before another failure counts as the first."""


def described(error: Exception) -> str:
    """Return what an error says that may be logged."""
    return str(error) if isinstance(error, StoreFailure) else type(error).__qualname__


class Recovery:
    """The attempts to use a store again; `report` gets why it does not work, None once it does.

    There is an attempt every `pause` seconds. The pauses grow while the store refuses something,
    and when it has worked for a moment only.
    """

    def __init__(
        self,
        attempt: Callable[[], Awaitable[bool]],
        report: Callable[[str | None], None],
        *,
        pause: float,
        events: Events,
    ) -> None:
        self._attempt = attempt
        self._report = report
        self._pauses = Pauses(pause)
        self._events = events
        self._worked_since = float("-inf")
        self._logged: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def begin(self, problem: str) -> None:
        """Begin to try, unless that is under way."""
        if self._task is None:
            self._logged.clear()
            self._note(problem)
            self._events.cache_bypassed(is_bypassed=True)
            was_moment = time.monotonic() - self._worked_since < _TRUST_SECONDS
            self._task = asyncio.create_task(self._try_until_it_works(is_growing=was_moment))

    def failed(self, error: Exception) -> None:
        """Begin to try. A refusal is noted in any case: it may outlast what failed first."""
        self.begin(described(error))
        if isinstance(error, StoreRefusal):
            self._note(str(error))

    def _note(self, problem: str) -> None:
        self._report(problem)
        if problem not in self._logged:
            self._logged.add(problem)
            _log.warning("The cache fails, and is bypassed until it works: %s.", problem)

    async def _try_until_it_works(self, *, is_growing: bool) -> None:
        while True:
            await asyncio.sleep(self._pauses.next(is_growing=is_growing))
            is_growing = False
            try:
                if await self._attempt():
                    break
            except Exception as error:  # noqa: BLE001 - whatever a cache raises, it is tried again
                is_growing = isinstance(error, StoreRefusal) and error.is_lasting
                self.failed(error)
        self._task = None
        self._worked_since = time.monotonic()
        self._report(None)
        _log.info("The cache works again.")
        self._events.cache_bypassed(is_bypassed=False)

    async def aclose(self) -> None:
        """Stop trying."""
        if self._task is not None:
            await cancel_all([self._task])
