"""Runs several things at once until the first of them ends, such as a timeout.

Used where an answer takes its time: by `delivery`, `eventstream` and `conversation`.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

T = TypeVar("T")


async def first_completed(*works: Coroutine[Any, Any, T], until: float | None) -> T:
    """Return or raise what the first to end does, and cancel the others; all have ended by then.

    Raises TimeoutError when none has ended by `until`, in seconds since the epoch.
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


async def gone(receive: Receive) -> bytes:
    """Wait for the client to go away (ASGI); nothing is left to send then."""
    while (await receive())["type"] != "http.disconnect":
        pass
    return b""
