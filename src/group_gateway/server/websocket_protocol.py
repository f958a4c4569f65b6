"""WebSocket connections: uvicorn's protocol with limits for each connection.

In uvicorn a client that reads nothing holds its connection, and grows it by pings, whose pongs are
buffered. A message of many fragments takes many times its bytes, and so do thousands of small
messages that arrive together. A failed handshake, or one that the application refuses, is never
closed, or fills the log.
"""

import asyncio
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Close, CloseCode, Frame

from group_gateway.server.http_protocol import close_in_stages, cut_off

MOST_FRAMES = 1000
"""Pings, pongs and further fragments per second: each costs as much as a small message."""
_SLICE = 1024
"""Bytes that are parsed before those frames are counted and messages handled."""
CLOSE_SECONDS = 1.0
"""How long a client may take to answer a closing frame."""
_NO_HANDSHAKE = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedWebSocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket within limits. `seconds` bounds the reading of what was sent."""

    def __init__(self, *, seconds: float, **options: Any) -> None:
        super().__init__(**options)
        self.close_timeout = CLOSE_SECONDS
        self._seconds = seconds
        self._fragments = bytearray()
        self._frames = 0
        self._second = 0
        self._unread = b""
        self._failed = False
        self._cutting: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Parse: first the handshake as a whole, then frames."""
        if not self.handshake_initiated:
            super().data_received(data)
            if not self.handshake_initiated:
                self.transport.write(_NO_HANDSHAKE)
                self.transport.close()
            return
        for start in range(0, len(data), _SLICE):
            if self._failed or self.transport.is_closing():
                return
            if self.read_paused:  # the application has messages to read already
                self._unread = data[start:]
                return
            if start and self.close_sent:  # the input is no longer used, but parsing it costs time
                self._hold(data[start:])
                return
            super().data_received(data[start : start + _SLICE])

    async def receive(self) -> Any:
        """Return the next event; after the last one, parse what has arrived."""
        event = await super().receive()
        if self._unread and not self.read_paused:
            self._hold(self._unread)
        return event

    def _hold(self, unread: bytes) -> None:
        """Yield to the event loop."""
        self._unread = unread
        self.transport.pause_reading()
        self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if self._unread and not self.read_paused:
            unread, self._unread = self._unread, b""
            self.transport.resume_reading()
            self.data_received(unread)

    def pause_writing(self) -> None:
        """Start the time limit for the client to read."""
        super().pause_writing()
        self._cut_off_in(self._seconds)

    def resume_writing(self) -> None:
        """Continue sending."""
        super().resume_writing()
        if not self.close_sent:
            self._cut_off_never()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        self._unread = b""
        self._cut_off_never()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Notify the application of the shutdown; it closes the connection."""
        if not self.handshake_complete:
            super().shutdown()

    async def send(self, message: Any) -> None:
        """Send an event; reset a connection whose client does not answer a closing frame.

        Raises ClientDisconnected for a connection that has failed.
        """
        await self.writable.wait()
        if self._failed:
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # it was refused, which is no error
        if self.close_sent:
            self._cut_off_in(2 * CLOSE_SECONDS)
            self._read_on()  # the answer to a closing frame follows the remaining input

    def keepalive_timeout(self) -> None:
        """Close a connection whose client does not answer pings, even with unsent bytes."""
        super().keepalive_timeout()
        self._cut_off_in(CLOSE_SECONDS)

    def handle_parser_exception(self) -> None:
        """Report the error, and close in stages: the client may be in mid-message."""
        said = self.conn.close_sent or Close(CloseCode.ABNORMAL_CLOSURE, "")
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": said.code, "reason": said.reason}
        )
        self._failed = self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        close_in_stages(self.transport)
        # uvicorn's own timer, which keeps it from closing when the application has ended
        self.close_timer = self.loop.call_later(2 * CLOSE_SECONDS, cut_off, self.transport)

    def handle_text(self, event: Frame) -> None:
        """Leave the decoding to the reader of the message, who can report its errors."""
        super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        """Join fragments as they arrive: a list of them would take many times their bytes."""
        self._count()
        self._fragments += event.data
        if event.fin:
            self.frames = [*self.frames, bytes(self._fragments)]
            self._fragments.clear()
            self.send_receive_event_to_app()

    def handle_ping(self) -> None:
        """Answer a ping, unless the client reads nothing (RFC 6455, section 5.5.2)."""
        pong = b"".join(self.conn.data_to_send())
        if self.writable.is_set() and not self.close_sent:
            self.transport.write(pong)
        self._count()

    def handle_pong(self, event: Frame) -> None:
        """Record a pong."""
        super().handle_pong(event)
        self._count()

    def _count(self) -> None:
        """Close a connection that sends too many frames."""
        second = int(self.loop.time())
        self._frames = self._frames + 1 if second == self._second else 1
        self._second = second
        if self._frames > MOST_FRAMES and not self.close_sent:
            self.conn.fail(1008, "Too many frames")
            self.handle_parser_exception()

    def _cut_off_in(self, seconds: float) -> None:
        self._cut_off_never()
        self._cutting = asyncio.get_running_loop().call_later(seconds, cut_off, self.transport)

    def _cut_off_never(self) -> None:
        if self._cutting is not None:
            self._cutting.cancel()
            self._cutting = None
