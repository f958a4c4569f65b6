"""A response body that is sent in chunks."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass

from starlette.types import Receive, Send

from group_gateway.concurrency import first_completed
from group_gateway.http.disconnect import disconnected


@dataclass(frozen=True, slots=True)
class ChunkedBody:
    """The chunks of a body, sent as they are made, until the time `until` (epoch seconds)."""

    pieces: AsyncGenerator[bytes, None]
    until: float

    async def send(self, receive: Receive, send: Send) -> None:
        """Send the chunks (ASGI) until the last one, a disconnect, or the time limit.

        `pieces` is always closed at the end.
        """
        with suppress(TimeoutError):
            await first_completed(self._send_all(send), disconnected(receive), until=self.until)

    async def _send_all(self, send: Send) -> bytes:
        async with aclosing(self.pieces) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return b""
