"""Connections of clients: what each may take before it has asked anything. Used by `cli`.

uvicorn bounds neither the size of headers nor the time in which a request arrives or an answer is
taken, and closes idle connections under a request that is on its way. This is its protocol with
these bounds; the application never hears of what is beyond them.
"""

import asyncio
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from group_gateway.errors import Overloaded, RequestCode
from group_gateway.web.replies import Reply, new_correlation_id, refusal
from group_gateway.web.wire import JSON, RequestRefused

ENDLESS = "group_gateway.endless"
"""Stands in the scope of a request whose answer goes on until somebody ends it."""
_LINGERING_SECONDS = 5.0
"""How long a client that was refused may go on sending, until it has noticed."""
_LEAVING_SECONDS = 0.5
"""How long an idle connection stays open in the end, for a request that may be on its way."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The connections of a process; the bytes of a request's headers.

    `seconds` is what a request may take to arrive, and an answer to be taken. `message_bytes` is
    what a message over a WebSocket may have; with 0 there are no WebSockets.
    """

    connections: int = 800
    seconds: float = 30.0
    header_bytes: int = 64 * 1024
    message_bytes: int = 0


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 within limits. A timer runs only while a client is being waited for."""

    def __init__(self, *, limits: ConnectionLimits, **options: Any) -> None:
        super().__init__(**options)
        self._limits = limits
        self._timer: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._arriving = False
        self._in_headers = False
        self._header_bytes = 0
        self._ended_here = False
        """Whether a request has ended in the piece that is being read."""
        self._leaving = False
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request; refuse a connection too many."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            message = "The gateway has too many connections."
            self._tell(RequestRefused(message, 503, Overloaded.code, retry_after=1))
            self.transport.close()  # at once: those too many are not counted
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        self._cut_off_never()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; while a request is not complete its time runs. Drop it from who was refused."""
        if self._refused:
            return
        self._ended_here = False
        super().data_received(data)
        if self.transport.is_closing() or self._refused:
            return
        if self._in_headers and not self._ended_here:  # else most of it may be another's body
            self._header_bytes += len(data)
            if self._header_bytes > self._limits.header_bytes:
                message = f"Headers have at most {self._limits.header_bytes} bytes."
                self._refuse(RequestRefused(message, 431, RequestCode.HEADERS_TOO_LARGE))
        if not self._arriving:
            self._wait_no_more()
        elif self._timer is None:
            self._wait()

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
        cycle = self._cycle()
        if self._leaving and cycle is not None:  # there is none for what becomes a WebSocket
            cycle.keep_alive = False

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over, unless the process ends."""
        if self._leaving:
            message = "The gateway is about to end."
            self._refuse(RequestRefused(message, 503, Overloaded.code, retry_after=1))
        else:
            super().handle_websocket_upgrade()

    def on_message_complete(self) -> None:
        """Take note of its last byte."""
        self._note_arrival()
        super().on_message_complete()

    def _note_arrival(self) -> None:
        self._arriving = False
        self._ended_here = True

    def pause_writing(self) -> None:
        """Give the client its time to take what was sent."""
        super().pause_writing()
        self._cut_off_in(self._limits.seconds)

    def resume_writing(self) -> None:
        """Go on sending."""
        super().resume_writing()
        if not self._refused:
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
        if self._is_idle():
            self.loop.call_later(_LEAVING_SECONDS, self._leave)
        elif ENDLESS in self.cycle.scope:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def _leave(self) -> None:
        # A request that is on its way has its time, and its answer closes the connection.
        if self._is_idle() and not self._arriving:
            self.transport.close()

    def _cycle(self) -> RequestResponseCycle | None:
        return self.cycle  # None before the first request, whatever its type says

    def _is_idle(self) -> bool:
        cycle = self._cycle()
        return cycle is None or cycle.response_complete

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self._limits.seconds, self._give_up)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        cycle = self._cycle()
        if cycle is None or cycle.response_complete or not cycle.response_started:
            message = f"A request arrives within {self._limits.seconds:g} seconds."
            self._refuse(RequestRefused(message, 408, RequestCode.REQUEST_TIMEOUT))
        else:
            self.transport.close()

    def _refuse(self, refused: RequestRefused) -> None:
        """Answer without the application, and close."""
        self._tell(refused)
        self._refused = True
        self._wait_no_more()
        if self._is_idle():
            close_in_stages(self.transport)
            self._cut_off_in(_LINGERING_SECONDS)
        else:  # the answer to a request before this one is cut short
            self.transport.close()

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
    if transport.can_write_eof():
        transport.write_eof()
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
