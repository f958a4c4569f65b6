"""Waiting for what happens elsewhere and is told to nobody."""

import asyncio
from collections.abc import Callable
from typing import Any

_PATIENCE = 30


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that is seen only by looking; it is to come true within half a minute."""
    async with asyncio.timeout(_PATIENCE):
        while not condition():  # noqa: ASYNC110 - nothing sets an event
            await asyncio.sleep(0.002)
