"""Connections of clients: what each may take before it has asked anything.

uvicorn bounds neither the size of headers nor the time in which a request arrives or an answer is
taken, and closes idle connections under a request that is on its way. This is its protocol with
these bounds; the application never hears of what is beyond them.
"""

import asyncio
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from operator import itemgetter
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from group_gateway.errors import Overloaded, RequestCode
from group_gateway.http.negotiation import JSON
from group_gateway.http.requests import RequestRefused
from group_gateway.http.responses import ENDLESS, Reply, new_correlation_id, refusal
from group_gateway.server.pipelining import PipeliningProtocol, abandon

_LINGERING_SECONDS = 5.0
"""How long a client that was refused may go on sending, until it has noticed."""
AROUND = 8
"""Framing allowance per body byte.

A one-byte chunk costs 6 bytes of framing, which must not count as header bytes.
"""
_SECOND_LOOK = 0.02
"""Seconds after which a connection that is not used is closed, when still nothing has come."""
_LEAVING_SECONDS = 0.5
"""How long an idle connection stays open in the end, for a request that may be on its way."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The connections of a process; the bytes of a request's headers.

    `seconds` is what a request may take to arrive, and an answer to be taken. `message_bytes` is
    what a message over a WebSocket may have; with 0 there are no WebSockets. `keep_alive` is how
    many seconds a connection stays open that is not used. Connections to `admin_port` are not
    counted.
    """

    connections: int = 800
    seconds: float = 30.0
    header_bytes: int = 64 * 1024
    message_bytes: int = 0
    keep_alive: float = 75.0
    admin_port: int = 0


class BoundedHttpProtocol(PipeliningProtocol):
    """HTTP/1.1 within limits. A timer runs only while a client is being waited for."""

    def __init__(self, *, limits: ConnectionLimits, **options: Any) -> None:
        super().__init__(**options)
        self._limits = limits
        self._timer: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._arriving = False
        self._in_headers = False
        self._header_bytes = 0
        self._leaving = False
        self._refused: RequestRefused | None = None
        """What is the last to be said, when what came before is answered."""
        self._lingering = False
        self._second_look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request; refuse a connection too many."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections and not self._has_room():
            message = "The gateway has too many connections."
            self._tell(RequestRefused(message, 503, Overloaded.code, retry_after=1))
            self.transport.close()  # at once: those too many are not counted
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
        """What closes the connection when it stays idle; None when it is in use or being closed."""
        timer = self.timeout_keep_alive_task
        return None if timer is self._second_look else timer

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        self._cut_off_never()
        super().connection_lost(exc)

    def _read(self, piece: bytes) -> bool:
        """Read a piece; while a request is not complete its time runs."""
        if not super()._read(piece):
            return False
        if self._arriving and not self._ended_here:  # else most may belong to another request
            self._header_bytes = max(self._header_bytes, 0) + len(piece)
            if self._header_bytes > self._limits.header_bytes:
                message = f"Headers have at most {self._limits.header_bytes} bytes."
                self._refuse(RequestRefused(message, 431, RequestCode.HEADERS_TOO_LARGE))
                return False
        if not self._arriving or self.pipeline:  # what waits for its turn is not read meanwhile
            self._wait_no_more()
        elif self._timer is None:
            self._wait()
        return True

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._header_bytes -= AROUND * len(body)
        super().on_body(body)

    def on_message_begin(self) -> None:
        """Take note of a request's first byte."""
        self._arriving = self._in_headers = True
        self._header_bytes = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. A trailer is none (RFC 9110, section 6.5.1), and nobody counts it."""
        if self._in_headers:
            HttpToolsProtocol.on_header(self, name, value)  # for each header: super() costs more

    def on_headers_complete(self) -> None:
        """Take note of the end of its headers; a process that ends answers it, but no other."""
        self._in_headers = False
        super().on_headers_complete()
        if self._leaving and not self._is_idle():  # there is none for what becomes a WebSocket
            self.cycle.keep_alive = False

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over, unless the process ends, or answers are still to come on it."""
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
        """Go on with the next request; where there is none, say the last word."""
        super().on_response_complete()
        if self._refused is not None and self._is_idle() and not self.transport.is_closing():
            self._part(self._refused)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that is not used, unless a request has come that nobody has read yet.

        So it is where the process was busy: libuv looks at its timers before it looks at sockets.
        """
        self._unset_keepalive_if_required()
        self._second_look = self.timeout_keep_alive_task = self.loop.call_later(
            _SECOND_LOOK, super().timeout_keep_alive_handler
        )

    def pause_writing(self) -> None:
        """Return the client its time to take what was sent."""
        super().pause_writing()
        self._cut_off_in(self._limits.seconds)

    def resume_writing(self) -> None:
        """Go on sending."""
        super().resume_writing()
        if not self._lingering:
            self._cut_off_never()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(RequestRefused(msg))

    def shutdown(self) -> None:
        """Answer what is under way or arrives within half a second, then close.

        What would go on for ever is broken off: clients take a proper end for the last word, and
        come back only after a broken one.
        """
        self._leaving = True
        running = self._running
        if running is None or running.response_complete:
            self.loop.call_later(_LEAVING_SECONDS, self._leave)
        elif ENDLESS in running.scope:
            abandon(running)
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def _leave(self) -> None:
        # A request that is on its way has its time, and its answer closes the connection.
        if self._unread is not None:
            self.loop.call_later(_LEAVING_SECONDS, self._leave)
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
        """Answer without the application, when it has answered what came before, and close."""
        self._refused = refused
        self._deaf = True
        self._wait_no_more()
        if self._arriving and self._has_answer():
            self.transport.close()  # whatever came now would be taken for another's answer
        elif self._is_idle():
            self._part(refused)
        else:
            self._rest()

    def _has_answer(self) -> bool:
        """Return whether the request that arrives is being answered; if not, it will not be."""
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
        """Say the last word."""
        self._unset_keepalive_if_required()
        self._tell(refused)
        self._lingering = True
        close_in_stages(self.transport)
        self._cut_off_in(_LINGERING_SECONDS)

    def _tell(self, refused: RequestRefused) -> None:
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
    """Say that nothing more comes, and leave the closing to the client.

    Closed at once, under what the client still sends, a connection is reset, and the last that was
    said may be lost on its way (RFC 9112, section 9.6). The caller drops what comes, and cuts the
    connection off when it was not closed in time.
    """
    try:
        transport.write_eof()
    except OSError:  # the client has reset it, which asyncio's loop is about to find out
        transport.abort()
    transport.resume_reading()


def cut_off(transport: asyncio.Transport) -> None:
    """Reset a connection: the system would keep what was sent for a client that takes nothing."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _message(reply: Reply, correlation_id: bytes) -> bytes:
    headers = [*reply.headers, (b"x-correlation-id", correlation_id), (b"connection", b"close")]
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return STATUS_LINE[HTTPStatus(reply.status)] + lines + b"\r\n" + reply.body
