"""Client connections: limits before and around each request.

uvicorn bounds neither the size of headers nor the time in which a request arrives or a response is
read, and it closes idle connections under a request that is on its way. This protocol adds these
limits. A request that exceeds them never reaches the application.
"""

import asyncio
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from operator import itemgetter
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from group_gateway.errors import Overloaded, RequestCode
from group_gateway.http.negotiation import JSON
from group_gateway.http.requests import RequestRefused
from group_gateway.http.responses import ENDLESS, Reply, new_correlation_id, refusal
from group_gateway.server.checked_heads import CheckedHeadProtocol
from group_gateway.server.pipelining import abandon

_LINGERING_SECONDS = 5.0
"""How long a refused client may go on sending before the connection is reset."""
AROUND = 8
"""Framing allowance per body byte. A one-byte chunk costs 6 bytes of framing, which must not count
as header bytes."""
_SECOND_LOOK = 0.02
"""Seconds between the end of an idle connection's time and its close, if nothing arrives."""
_LEAVING_SECONDS = 0.5
"""How long an idle connection stays open at shutdown, for a request that may be on its way."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The number of connections of a process, and the header bytes of a request.

    `seconds` bounds the arrival of a request and the reading of a response. `message_bytes` bounds
    a WebSocket message; 0 switches WebSockets off. `keep_alive` is how many seconds an idle
    connection stays open. Connections to `admin_port` do not count. `drain_seconds` bounds how long
    requests under way may take after a signal to stop.
    """

    connections: int = 800
    seconds: float = 30.0
    header_bytes: int = 64 * 1024
    message_bytes: int = 0
    keep_alive: float = 75.0
    admin_port: int = 0
    drain_seconds: int = 30


class BoundedHttpProtocol(CheckedHeadProtocol):
    """HTTP/1.1 within limits. A timer runs only while the server waits for the client."""

    def __init__(self, *, limits: ConnectionLimits, **options: Any) -> None:
        super().__init__(**options)
        self._limits = limits
        self._timer: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._arriving = False
        self._header_bytes = 0
        self._leaving = False
        self._refused: RequestRefused | None = None
        """The last response, sent after those to earlier requests."""
        self._lingering = False
        self._second_look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for a request; refuse a connection beyond the limit."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections and not self._has_room():
            message = "The gateway has too many connections."
            self._write_refusal(RequestRefused(message, 503, Overloaded.code, retry_after=1))
            self.transport.close()  # at once: excess connections are not counted
        else:
            self._wait()

    def _has_room(self) -> bool:
        """Make room for this connection by closing the one that has been idle for the longest."""
        if self.server is not None and self.server[1] == self._limits.admin_port != 0:
            return True
        idle: list[tuple[float, BoundedHttpProtocol]] = [
            (timer.when(), other)
            for other in self.connections
            if isinstance(other, BoundedHttpProtocol) and (timer := other.idle_timer)
        ]
        if not idle:
            return False
        min(idle, key=itemgetter(0))[1].timeout_keep_alive_handler()
        return True

    @property
    def idle_timer(self) -> asyncio.TimerHandle | None:
        """The timer that closes an idle connection; None when it is in use or closing."""
        timer = self.timeout_keep_alive_task
        return None if timer is self._second_look else timer

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        self._wait_no_more()
        self._cut_off_never()
        super().connection_lost(exc)

    def _read(self, piece: bytes) -> bool:
        """Parse a piece; the time limit runs while a request is incomplete."""
        if not super()._read(piece):
            return False
        if self._arriving and not self._ended_here:  # else most may belong to another request
            self._header_bytes = max(self._header_bytes, 0) + len(piece)
            if self._header_bytes > self._limits.header_bytes:
                message = f"Headers have at most {self._limits.header_bytes} bytes."
                self._refuse(RequestRefused(message, 431, RequestCode.HEADERS_TOO_LARGE))
                return False
        if not self._arriving or self.pipeline:  # a queued request is not read meanwhile
            self._wait_no_more()
        elif self._timer is None:
            self._wait()
        return True

    def on_body(self, body: bytes) -> None:
        """Count the body bytes."""
        self._header_bytes -= AROUND * len(body)
        super().on_body(body)

    def on_message_begin(self) -> None:
        """Start to count a request."""
        self._arriving = self._in_headers = True
        self._header_bytes = 0
        super().on_message_begin()

    def _accept_head(self) -> None:
        """Begin the request. During shutdown it is the last."""
        super()._accept_head()
        if self._leaving and not self._is_idle():  # a WebSocket has none
            self.cycle.keep_alive = False

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to the WebSocket protocol.

        Refuses during shutdown, and while responses to earlier requests are outstanding.
        """
        if self._leaving:
            message = "The gateway is about to end."
            self._refuse(RequestRefused(message, 503, Overloaded.code, retry_after=1))
        elif not self._is_idle() or self.flow.write_paused:
            self._refuse(RequestRefused("A WebSocket begins when all answers have been taken."))
        else:
            self._wait_no_more()
            super().handle_websocket_upgrade()

    def _note_arrival(self) -> None:
        self._ended_here = True
        self._arriving = False

    def on_response_complete(self) -> None:
        """Continue with the next request; without one, send the last response."""
        super().on_response_complete()
        if self._refused is not None and self._is_idle() and not self.transport.is_closing():
            self._part(self._refused)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, unless a request has arrived that is not read yet.

        That happens when the process was busy: libuv runs timers before it polls sockets.
        """
        self._unset_keepalive_if_required()
        self._second_look = self.timeout_keep_alive_task = self.loop.call_later(
            _SECOND_LOOK, super().timeout_keep_alive_handler
        )

    def pause_writing(self) -> None:
        """Start the time limit for the client to read the response."""
        super().pause_writing()
        self._cut_off_in(self._limits.seconds)

    def resume_writing(self) -> None:
        """Continue sending."""
        super().resume_writing()
        if not self._lingering:
            self._cut_off_never()

    def shutdown(self) -> None:
        """Finish requests in flight or arriving within half a second, then close.

        An endless response is cut off: clients take a proper end for the last event, and reconnect
        only after a broken one.
        """
        self._leaving = True
        running = self._running
        if running is None or running.response_complete:
            self._leave_in(_LEAVING_SECONDS)
        elif ENDLESS in running.scope:
            abandon(running)
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def _leave_in(self, seconds: float) -> None:
        self.loop.call_later(seconds, self.loop.call_later, _SECOND_LOOK, self._leave)

    def _leave(self) -> None:
        # A request that is arriving has its time, and its response closes the connection.
        if self._unread is not None:
            self._leave_in(_LEAVING_SECONDS)
        elif self._is_idle() and not self._arriving:
            self.transport.close()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self._limits.seconds, self._give_up)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        message = f"A request arrives within {self._limits.seconds:g} seconds."
        self._refuse(RequestRefused(message, 408, RequestCode.REQUEST_TIMEOUT))

    def _refuse(self, refused: RequestRefused) -> None:
        """Send a refusal without the application, after earlier responses, and close."""
        self._refused = refused
        self._ignores_input = True
        self._wait_no_more()
        if self._arriving and self._has_answer():
            self.transport.close()  # a response now would be taken for another request's
        elif self._is_idle():
            self._part(refused)
        else:
            self._pause_reading()

    def _has_answer(self) -> bool:
        """Return whether the request that is arriving is being answered."""
        running = self._running
        if self.pipeline and self.pipeline[0][0].scope is self.scope:
            self.pipeline.popleft()
        elif running is not None and running.scope is self.scope:
            if running.response_started:
                return True
            abandon(running)
            self._running = None
        return False

    def _part(self, refused: RequestRefused) -> None:
        """Send the last response and close."""
        self._unset_keepalive_if_required()
        self._write_refusal(refused)
        self._lingering = True
        close_in_stages(self.transport)
        self._cut_off_in(_LINGERING_SECONDS)

    def _write_refusal(self, refused: RequestRefused) -> None:
        correlation_id = new_correlation_id()
        self.transport.write(_message(refusal(refused, JSON, correlation_id), correlation_id))

    def _cut_off_in(self, seconds: float) -> None:
        self._cut_off_never()
        self._stalled = self.loop.call_later(seconds, cut_off, self.transport)

    def _cut_off_never(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


def close_in_stages(transport: asyncio.Transport) -> None:
    """Close the sending side, and leave the rest to the client.

    Closing at once, while the client still sends, resets the connection and may lose the last
    response (RFC 9112, section 9.6). The caller discards what arrives, and resets the connection
    after a time limit.
    """
    try:
        transport.write_eof()
    except OSError:  # the client has reset it, which asyncio's loop has not noticed yet
        transport.abort()
    transport.resume_reading()


def cut_off(transport: asyncio.Transport) -> None:
    """Reset a connection: the system would keep unsent bytes for a client that reads nothing."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _message(reply: Reply, correlation_id: bytes) -> bytes:
    headers = [*reply.headers, (b"x-correlation-id", correlation_id), (b"connection", b"close")]
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return STATUS_LINE[HTTPStatus(reply.status)] + lines + b"\r\n" + reply.body
