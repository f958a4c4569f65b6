"""Several things that go on until the first of them ends. Used by `eventstream` and `socket`."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def first_of(*works: Coroutine[Any, Any, T], until: float | None) -> T:
    """Give what the first to end gives, or raise what it raises; the others are cancelled.

    All have ended then. Raises TimeoutError when none has by `until`, in seconds since the epoch.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    seconds = None if until is None else max(until - time.time(), 0.0)
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not done:
        raise TimeoutError
    return next(task for task in tasks if task in done).result()
