"""The same query of the same caller, asked again before it is answered, is answered once.

Used by `web`. Whole answers are shared, encoded, so that nothing is done twice; what began before
a write through this process is not joined after it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

Reply = TypeVar("Reply")
Question = tuple[str, str, bytes]
"""Who asks (a caller's scope), for which media type, and the request's own bytes."""


class LeaderGone(Exception):
    """The request that was to answer the question ended without an answer."""


class AnswersInFlight(Generic[Reply]):
    """The queries under way. `epoch` counts the writes that this process has made."""

    def __init__(self, epoch: Callable[[], int]) -> None:
        self._epoch = epoch
        self._began = 0
        self._flights: dict[Question, asyncio.Future[Reply]] = {}

    def joined(self, question: Question) -> "asyncio.Future[Reply] | None":
        """Give the answer to come, if the question is under way."""
        if self._epoch() != self._began:
            self._flights.clear()
            self._began = self._epoch()
        return self._flights.get(question)

    async def lead(self, question: Question, work: Coroutine[Any, Any, Reply]) -> Reply:
        """Answer a question, for whoever joins until it is answered."""
        flight: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._flights[question] = flight
        try:
            reply = await work
        except BaseException:
            flight.set_exception(LeaderGone())
            flight.exception()  # seen: there may be nobody else
            raise
        else:
            flight.set_result(reply)
            return reply
        finally:
            if self._flights.get(question) is flight:
                del self._flights[question]
