"""Single flight: concurrent requests for the same computation share one run."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from group_gateway.concurrency import retrieve_exception, started

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


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
        self._under_way: dict[Key, tuple[asyncio.Future[Result], float]] = {}

    def joined(self, key: Key) -> asyncio.Future[Result] | None:
        """Return the coming result, to be awaited shielded; None if there is none to join."""
        entry = self._under_way.get(key)
        if entry is None:
            return None
        future, began = entry
        if future.done() or (self._may_join is not None and not self._may_join(began)):
            return None
        return future

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
            future = self._begun(key, started(work()))
            future.add_done_callback(lambda ended: self._free(key, ended))
        return future

    async def lead(self, key: Key, work: Coroutine[Any, Any, Result]) -> Result:
        """Compute in the caller's task. Those who join get the result, or LeaderGone."""
        future = self._begun(key, asyncio.get_running_loop().create_future())
        try:
            result = await work
        except BaseException:
            future.set_exception(LeaderGone())
            retrieve_exception(future)  # nobody may have joined
            raise
        else:
            future.set_result(result)
            return result
        finally:
            self._free(key, future)

    def forget(self) -> None:
        """Prevent further joins of computations in flight.

        Those who have joined still get the result.
        """
        self._under_way.clear()

    def _begun(self, key: Key, future: asyncio.Future[Result]) -> asyncio.Future[Result]:
        self._under_way[key] = future, time.monotonic()
        return future

    def _free(self, key: Key, future: asyncio.Future[Result]) -> None:
        entry = self._under_way.get(key)
        if entry is not None and entry[0] is future:
            del self._under_way[key]
