"""Connections that pass on every cancellation.

redis-py sends a command by `asyncio.wait_for`, which before Python 3.12 swallows a cancellation if
it comes just as the command has been sent. The task would go on, past its deadline or for ever.
"""

import asyncio
from typing import Any

from redis.asyncio.connection import AbstractConnection


def cancellable(kind: Any) -> type[AbstractConnection]:
    """Return a kind of connection that raises CancelledError whenever its task is cancelled."""

    class Cancellable(kind):  # type: ignore[misc]  # the kind is known at run time only
        async def send_packed_command(self, *args: Any, **named: Any) -> None:
            task = asyncio.current_task()
            before = 0 if task is None else task.cancelling()
            await super().send_packed_command(*args, **named)
            if task is not None and task.cancelling() > before:
                await self.disconnect(nowait=True)  # nobody will read the response
                raise asyncio.CancelledError

    return Cancellable
