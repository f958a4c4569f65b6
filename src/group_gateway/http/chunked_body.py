"""A response body that is sent in pieces."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass

from starlette.types import Receive, Send

from group_gateway.concurrency import first_completed, gone


@dataclass(frozen=True, slots=True)
class ChunkedBody:
    """Pieces of a body to send as they come, `until` a time in seconds since the epoch."""

    pieces: AsyncGenerator[bytes, None]
    until: float

    async def send(self, receive: Receive, send: Send) -> None:
        """Send the pieces (ASGI), until the last, or the client leaves, or the time is over.

        However it ends, `pieces` is closed then.
        """
        with suppress(TimeoutError):
            await first_completed(self._send_all(send), gone(receive), until=self.until)

    async def _send_all(self, send: Send) -> bytes:
        async with aclosing(self.pieces) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return b""
