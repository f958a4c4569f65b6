"""Connections that go on connecting when the call that wanted them has timed out.

A call has a short timeout. The round trips of TCP, TLS and authentication to a distant server may
take longer than that, and an attempt that ended with each call would never succeed.
"""

import asyncio
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from group_gateway.concurrency import cancel_all


def lasting(kind: Any) -> type[AbstractConnection]:
    """Return a kind of connection whose attempt to connect outlasts the call that began it.

    The next call that gets the connection from its pool joins the attempt. The connection's own
    timeouts bound it.
    """

    class Lasting(kind):  # type: ignore[misc]  # the kind is known at run time only
        _attempt: asyncio.Task[None] | None = None

        async def connect(self) -> None:
            if self._attempt is None:
                if self.is_connected:
                    return
                self._attempt = asyncio.create_task(super().connect())
                self._attempt.add_done_callback(self._attempted)
            attempt = self._attempt
            await asyncio.wait([attempt])
            if attempt.cancelled():  # by `disconnect`, which is not meant for who waits here
                raise RedisConnectionError("The connection was closed.")
            attempt.result()

        def _attempted(self, attempt: asyncio.Task[None]) -> None:
            self._attempt = None
            if not attempt.cancelled():
                attempt.exception()  # whoever still waits has it

        async def disconnect(self, *args: Any, **named: Any) -> None:
            attempt = self._attempt
            if attempt is not None and attempt is not asyncio.current_task():
                await cancel_all([attempt])
            await super().disconnect(*args, **named)

    return Lasting
