"""Single flight: concurrent requests for the same computation share one run."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

import msgspec

from group_gateway.concurrency import retrieve_exception, started

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class _Flight(msgspec.Struct, Generic[Result]):
    """A computation that began at a time of the monotonic clock.

    `result` is there once somebody waits for it.
    """

    began: float
    result: asyncio.Future[Result] | None = None


class LeaderGone(Exception):
    """The computation ended without a result because its leader was cancelled or failed."""


class SingleFlight(Generic[Key, Result]):
    """The computations in flight, by their keys.

    A key is free again when its computation ends. `run` starts a task for a computation, which
    outlives its waiters. `lead` saves that task: the first caller computes, and if it is cancelled
    another one has to. `may_join` decides whether a computation that started at a time of the
    monotonic clock may still be joined.
    """

    def __init__(self, may_join: Callable[[float], bool] | None = None) -> None:
        self._may_join = may_join
        self._under_way: dict[Key, _Flight[Result]] = {}

    def joined(self, key: Key) -> asyncio.Future[Result] | None:
        """Return the coming result, to be awaited shielded; None if there is none to join."""
        flight = self._under_way.get(key)
        if flight is None:
            return None
        if self._may_join is not None and not self._may_join(flight.began):
            return None
        if flight.result is None:
            flight.result = asyncio.get_running_loop().create_future()
        return None if flight.result.done() else flight.result

    async def run(self, key: Key, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Return the result of the computation in flight; start it if there is none.

        All waiters get its exception. A cancelled waiter does not cancel it.
        """
        return await asyncio.shield(self.start(key, work))

    def start(
        self, key: Key, work: Callable[[], Coroutine[Any, Any, Result]]
    ) -> asyncio.Future[Result]:
        """Return the computation in flight; start it if there is none."""
        future = self.joined(key)
        if future is None:
            future = started(work())
            flight = self._under_way[key] = _Flight(time.monotonic(), future)
            future.add_done_callback(lambda _: self._free(key, flight))
        return future

    async def lead(self, key: Key, work: Coroutine[Any, Any, Result]) -> Result:
        """Compute in the caller's task. Those who join get the result, or LeaderGone."""
        flight: _Flight[Result] = _Flight(time.monotonic())
        self._under_way[key] = flight
        try:
            result = await work
        except BaseException:
            if flight.result is not None:
                flight.result.set_exception(LeaderGone())
                retrieve_exception(flight.result)  # nobody may wait any more
            raise
        else:
            if flight.result is not None:
                flight.result.set_result(result)
            return result
        finally:
            self._free(key, flight)

    def forget(self) -> None:
        """Prevent further joins of computations in flight.

        Those who have joined still get the result.
        """
        self._under_way.clear()

    def _free(self, key: Key, flight: _Flight[Result]) -> None:
        if self._under_way.get(key) is flight:
            del self._under_way[key]
