"""Waiting for an effect elsewhere that sends no signal."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

_PATIENCE = 60


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that is seen only by looking; it is to come true within a minute."""
    async with asyncio.timeout(_PATIENCE):
        while not condition():  # noqa: ASYNC110 - nothing sets an event
            await asyncio.sleep(0.002)


def until_seen(condition: Callable[[], Any]) -> None:
    """Wait without an event loop, for an effect in another process."""
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)
