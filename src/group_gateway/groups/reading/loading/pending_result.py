"""Single flight: concurrent loads of the same thing by the same caller share one call.

A load goes on when one of its waiters leaves. It is bounded by the deadline of the operation that
started it, and an exchange with the upstream is never cut off because a client left. Waiters with
more time then start another load.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Generic, TypeVar, cast

from group_gateway.errors import (
    GatewayError,
    TooManyUpstreamCalls,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from group_gateway.operation import CacheDependency, Operation
from group_gateway.trace_context import link_operations

Value = TypeVar("Value")
_deadline = attrgetter("deadline")
_EARLY = 0.01
"""Seconds by which a timer may fire early."""


class PendingResult(Generic[Value]):
    """One load in flight, and the operations that wait for its result."""

    def __init__(self, operation: Operation) -> None:
        self.operations = [operation]
        self.deadline = operation.deadline
        self.began = time.monotonic()
        self.is_over = False
        self.value: Value | None = None
        """The result, once it is known."""
        self._error: BaseException | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._dependency: CacheDependency | None = None
        self._age: float | None = None

    async def wait(self, operation: Operation) -> Value:
        """Return the result; raise its error, or UpstreamTimeout."""
        if operation.deadline < self.deadline:
            await self.wait_in_time(operation)
        elif not self.is_over:  # it ends first
            await self._end_of_load()
        return self.answer(operation)

    def answer(self, operation: Operation) -> Value:
        """Return the result of a finished load, or raise its error."""
        if self._error is not None:
            raise self._error
        self._note(operation)
        return cast("Value", self.value)

    def _note(self, operation: Operation) -> None:
        if self._age is None:
            operation.depends_on(self._dependency)
        else:
            operation.depends_on_stale(self._age)

    async def wait_in_time(self, operation: Operation) -> None:
        """Wait for a result that may come after this operation's deadline; see `answer`."""
        try:
            async with asyncio.timeout(operation.remaining()):
                if not self.is_over:
                    await self._end_of_load()
        except TimeoutError:
            raise UpstreamTimeout("The upstream did not answer in time.") from None

    def _end_of_load(self) -> asyncio.Future[None]:
        """Return a future of one waiter's own, so that cancelling it affects no other."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        return waiter

    def _end(self) -> None:
        self.is_over = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def ran_out(self, operation: Operation) -> bool:
        """Return whether the load reached its own deadline, which is before this operation's."""
        now = asyncio.get_running_loop().time()
        return self.deadline <= now + _EARLY < operation.deadline

    def resolve(self, value: Value, dependency: CacheDependency | None = None) -> None:
        """Pass the value to all waiters. `dependency` is its cache entry, if there is one."""
        if not self.is_over:
            self.value, self._dependency = value, dependency
            self._end()

    def resolve_stale(self, value: Value, age: float) -> None:
        """Pass a value that was read `age` seconds ago to all waiters."""
        if not self.is_over:
            self.value, self._age = value, age
            self._end()

    def reject(self, error: BaseException) -> None:
        """Raise the error in all waiters; for a cancellation of the load, UpstreamUnavailable.

        A GatewayError loses its traceback, whose frames would keep this object and what the
        upstream sent alive until the garbage collector runs.
        """
        if isinstance(error, asyncio.CancelledError):
            error = UpstreamUnavailable("The load was cut off.")
        if isinstance(error, GatewayError):
            error.__traceback__ = error.__cause__ = error.__context__ = None
        if not self.is_over:
            self._error = error
            self._end()


def longest_remaining(results: Sequence[PendingResult[Value]]) -> float:
    """Return the seconds until the last deadline of the results."""
    latest: float = max(map(_deadline, results))
    return max(latest - asyncio.get_running_loop().time(), 0.001)


def charge(results: Sequence[PendingResult[Value]]) -> list[Operation]:
    """Charge one upstream call to each waiting operation; return those that could pay.

    Raise TooManyUpstreamCalls if none could.
    """
    refusal: TooManyUpstreamCalls | None = None
    paid = []
    operations = _waiting(results)
    if len(operations) > 1:
        link_operations(operation.trace for operation in operations[1:])
    for operation in operations:
        try:
            operation.charge()
            paid.append(operation)
        except TooManyUpstreamCalls as error:
            refusal = error
    if refusal is not None and not paid:
        raise refusal
    return paid


def _waiting(results: Sequence[PendingResult[Value]]) -> list[Operation]:
    """Return each waiting operation once."""
    if len(results) == 1:
        return results[0].operations
    return list({id(op): op for pending in results for op in pending.operations}.values())


def refund(paid: Iterable[Operation]) -> None:
    """Take charges back, one for each occurrence."""
    for operation in paid:
        operation.calls_left += 1
