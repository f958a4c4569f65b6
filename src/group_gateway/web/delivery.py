"""The body of an answer that comes piece by piece. Made by `parts`, used by `endpoint`."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from starlette.types import Receive, Send


@dataclass(frozen=True, slots=True)
class Delivery:
    """Pieces of a body, to be sent as they come; `until` is in the event loop's time (seconds)."""

    pieces: AsyncGenerator[bytes, None]
    until: float

    async def send(self, receive: Receive, send: Send) -> None:
        """Send the pieces (ASGI), until the last, or the client leaves, or the time is over.

        However it ends, `pieces` is closed then.
        """
        sending = asyncio.create_task(self._send_all(send))
        leaving = asyncio.create_task(_left(receive))
        seconds = self.until - asyncio.get_running_loop().time()
        try:
            await asyncio.wait(
                {sending, leaving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            leaving.cancel()
            sending.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
        if not sending.cancelled():
            sending.result()

    async def _send_all(self, send: Send) -> None:
        async with aclosing(self.pieces) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
