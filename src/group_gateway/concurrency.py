"""Runs coroutines beside each other: the first to complete, and tasks in the background."""

import asyncio
import logging
import time
from collections.abc import Collection, Coroutine
from typing import Any, TypeVar

from group_gateway.errors import GatewayError

T = TypeVar("T")
_log = logging.getLogger(__name__)

_AGAIN = 0.5
"""Seconds after which a task that was cancelled and goes on is cancelled again."""


class BackgroundTasks:
    """Tasks that run beside the code that spawned them, referenced here until they end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task that nobody need await. An exception of it that is a bug is logged once."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def share(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task that others await, shielded. They get its exception, which is not logged."""
        task = started(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def join(self) -> None:
        """Wait until all tasks have ended, those included that start meanwhile."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def cancel(self) -> None:
        """Cancel all tasks, and wait until they have ended."""
        await cancel_all(self._tasks)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, GatewayError):
            _log.error("A background task failed unexpectedly.", exc_info=error)


def started(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a task whose result several await, or none. Shield it from their cancellation."""
    task = asyncio.create_task(work)
    task.add_done_callback(retrieve_exception)
    return task


def retrieve_exception(future: asyncio.Future[Any]) -> BaseException | None:
    """Return a future's exception, if any. asyncio logs those that nobody has retrieved."""
    return None if future.cancelled() else future.exception()


async def cancel_all(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait until they have ended.

    One cancellation may not be enough: `asyncio.wait_for` of Python 3.11 ignores it if what it
    waits for has just ended, and libraries use it.
    """
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_AGAIN)
    for task in tasks:
        retrieve_exception(task)


async def first_completed(*works: Coroutine[Any, Any, T], until: float | None) -> T:
    """Return or raise what the first to complete does, and cancel the others.

    All have ended by then. Raises TimeoutError when none has completed by `until`, in seconds since
    the epoch.
    """
    tasks = [asyncio.create_task(work) for work in works]
    seconds = None if until is None else max(until - time.time(), 0.0)
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel_all(tasks)
    if not done:
        raise TimeoutError
    return next(task for task in tasks if task in done).result()
