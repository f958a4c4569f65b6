"""WebSocket connections: what each may take. uvicorn's protocol with bounds; used by `cli`.

uvicorn lets a client that reads nothing hold its connection, and grow it by pings, whose answers
it has kept for it; and a message of many fragments takes many times its bytes.
"""

import asyncio
import socket
import struct
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

CLOSE_SECONDS = 1.0
"""How long a client may take to answer that the connection is to be closed."""


class BoundedSocket(WebSocketsSansIOProtocol):
    """A WebSocket within limits. `seconds` is what a client may take to take what was sent."""

    def __init__(self, *, seconds: float, **options: Any) -> None:
        super().__init__(**options)
        self.close_timeout = CLOSE_SECONDS
        self._seconds = seconds
        self._fragments = bytearray()
        self._cutting: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """Give the client its time to take what was sent."""
        super().pause_writing()
        self._cut_off_in(self._seconds)

    def resume_writing(self) -> None:
        """Go on sending."""
        super().resume_writing()
        if not self.close_sent:
            self._cut_off_never()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._cut_off_never()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Leave it to the application to say goodbye; it is told of the end too."""
        if not self.handshake_complete:
            super().shutdown()

    async def send(self, message: Any) -> None:
        """Send; whoever does not answer a closing frame is cut off."""
        await super().send(message)
        if self.close_sent:
            self._cut_off_in(2 * CLOSE_SECONDS)

    def keepalive_timeout(self) -> None:
        """Close a connection on which nobody answers, and not only when all was taken."""
        super().keepalive_timeout()
        self._cut_off_in(CLOSE_SECONDS)

    def handle_text(self, event: Frame) -> None:
        """Leave the decoding to who reads the message, and can say what is wrong with it."""
        super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        """Join fragments as they come: a list of them would take many times their bytes."""
        self._fragments += event.data
        if event.fin:
            self.frames = [*self.frames, bytes(self._fragments)]
            self._fragments.clear()
            self.send_receive_event_to_app()

    def handle_ping(self) -> None:
        """Answer a ping, unless the client does not even read (RFC 6455, section 5.5.2)."""
        pong = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(pong)

    def _cut_off_in(self, seconds: float) -> None:
        self._cut_off_never()
        self._cutting = asyncio.get_running_loop().call_later(seconds, self._cut_off)

    def _cut_off_never(self) -> None:
        if self._cutting is not None:
            self._cutting.cancel()
            self._cutting = None

    def _cut_off(self) -> None:
        # Without a reset the system would keep what was sent for a client that takes nothing.
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
