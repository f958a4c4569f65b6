"""Pipelining: requests that a client sends without waiting for responses.

uvicorn parses everything that has arrived and queues an object for each request: a few megabytes of
small requests took hundreds of megabytes and blocked all other clients. It notifies only the last
request that the client has left, and discards everything after an `Upgrade: h2c` header, including
the request body. This protocol parses in time slices, and no further ahead than it answers.
"""

from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from group_gateway.server.close_delimited import CloseDelimited
from group_gateway.server.whole_response import WholeResponse

_PIECE = 4096
"""Parse at most this many bytes before checking the time slice."""
_TURN = 0.001
"""Time slice, in seconds, after which parsing yields to the event loop."""


class PipeliningProtocol(HttpToolsProtocol):
    """HTTP/1.1 that reads on only when all requests read so far are in execution or done."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._running: RequestResponseCycle | None = None
        """The cycle in execution, or the last one. `cycle` may be one that is queued."""
        self._unread: bytes | None = None
        """Input that is parsed later; None while the connection is read."""
        self._ended_here = False
        """Whether a request has ended in the piece that is being parsed."""
        self._ignores_input = False
        """Whether input is not parsed here: a WebSocket has taken over, or it is discarded."""

    def data_received(self, data: bytes) -> None:
        """Parse for a time slice."""
        if self._ignores_input:
            return
        if len(data) > _PIECE:
            self._read_pieces(data)
        elif self._read(data) and self.pipeline:
            self._hold(b"")

    def _read_pieces(self, data: bytes) -> None:
        until = self.loop.time() + _TURN
        for start in range(0, len(data), _PIECE):
            if not self._read(data[start : start + _PIECE]):
                return
            if self.pipeline or self.loop.time() > until:
                self._hold(data[start + _PIECE :])
                return

    def _read(self, piece: bytes) -> bool:
        """Parse a piece; return whether to continue."""
        self._ended_here = False
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(piece)
        except HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            elif self._is_declined():
                again = self._head_without_upgrade() + piece[upgrade.args[0] :]
                # The old parser ignores what follows a request with `Connection: close`.
                self.parser = HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                return PipeliningProtocol._read(self, again)
        except HttpParserError as error:
            self._refuse_malformed(error)
        return not (self._ignores_input or self.transport.is_closing())

    def _refuse_malformed(self, error: HttpParserError) -> None:
        """Answer input that is not acceptable as HTTP."""
        raise NotImplementedError

    def _is_declined(self) -> bool:
        """Return whether a request asks for an upgrade that the server ignores.

        Java's client does so with each first request. HTTP/1.0 has no upgrades (RFC 9110, section
        7.8).
        """
        if not self.parser.should_upgrade():
            return False
        upgrade = self._get_upgrade()
        is_possible = upgrade == b"websocket" and self.parser.get_http_version() != "1.0"
        return upgrade is not None and not is_possible

    def _should_upgrade(self) -> bool:
        return not self._is_declined() and super()._should_upgrade()

    def _head_without_upgrade(self) -> bytes:
        parser = self.parser
        version = parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def on_headers_complete(self) -> None:
        """Execute a request, or queue it."""
        if not self._is_declined():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Count the end of a request."""
        if not self._is_declined():
            self._note_arrival()
            super().on_message_complete()

    def _note_arrival(self) -> None:
        self._ended_here = True

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to the WebSocket protocol, which takes no absolute address."""
        self._ignores_input = True
        try:
            target = parse_url(self.url)
        except HttpParserError as error:
            self._refuse_malformed(error)
            return
        self.url = (target.path or b"/") + (b"?" + target.query if target.query else b"")
        super().handle_websocket_upgrade()

    def on_response_complete(self) -> None:
        """Execute the next request, or parse on."""
        super().on_response_complete()
        if self._unread is not None and not self.pipeline:
            self.loop.call_soon(self._read_on)

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the application that the client has left."""
        self._unread = None
        if self._running is not None:
            abandon(self._running)
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        if cycle.scope["http_version"] == "1.0":
            app = CloseDelimited(app, cycle)
        elif cycle.scope["method"] != "HEAD":
            app = WholeResponse(app, cycle)
        super()._start_asgi_task(cycle, app)

    def _is_idle(self) -> bool:
        """Return whether all requests whose headers were parsed are answered."""
        return self._running is None or self._running.response_complete

    def _hold(self, unread: bytes) -> None:
        self._unread = unread
        self._pause_reading()
        if not self.pipeline:
            self.loop.call_soon(self._read_on)

    def _pause_reading(self) -> None:
        """Pause reading, also if the application wants the rest of a body, which is here."""
        self.flow.resume_reading()  # it does not know the pause, so it would not end it
        self.transport.pause_reading()

    def _read_on(self) -> None:
        unread = self._unread
        if unread is not None and not self.pipeline and not self.transport.is_closing():
            self._unread = None
            self.transport.resume_reading()
            self.data_received(unread)


def abandon(cycle: RequestResponseCycle) -> None:
    """Notify the application that its client has left, and discard further input."""
    if not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()
