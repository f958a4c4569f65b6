"""Responses without waiting, written by the connection itself: no task, no cycle, no ASGI messages.

Most of the cost of a ready response, or of a refusal for lack of room, is what uvicorn does around
an application. So a complete request is held back until it is known whether it can be answered at
once. If not, or if anything about it is unusual, it takes the ordinary way. A request whose head is
known is not even parsed.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from group_gateway.http.endpoint import RawHeaders
from group_gateway.http.gateway_app import ENDPOINT_PATH, GatewayApp
from group_gateway.http.post_head import POST_HEAD, PostHead
from group_gateway.server.held_request import HeldRequest, reply_head
from group_gateway.server.http_protocol import AROUND, BoundedHttpProtocol
from group_gateway.server.repeated_heads import RepeatedHead, RepeatedHeads

_PATH: Final = ENDPOINT_PATH.encode()
_SCOPE: Final[dict[str, Any]] = {
    "method": "POST",
    "path": ENDPOINT_PATH,
    "raw_path": _PATH,
    "query_string": b"",
}


class FastPathProtocol(BoundedHttpProtocol):
    """HTTP/1.1 with a fast path for POSTs to the GraphQL endpoint of a GatewayApp.

    `heads` are those that the server's connections have sent.
    """

    def __init__(self, *, heads: RepeatedHeads, **options: Any) -> None:
        super().__init__(**options)
        self._gateway_app = self.app if isinstance(self.app, GatewayApp) else None
        self._heads = heads
        self._held: bytearray | None = None
        self._from_start = b""
        """The input that is being parsed, if it begins with a request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Switch the fast path off at the admin port."""
        super().connection_made(transport)
        if self.server is not None and self.server[1] == self._limits.admin_port != 0:
            self._gateway_app = None

    def data_received(self, data: bytes) -> None:
        """Answer a request with a known head; parse another.

        A request that is incomplete takes the ordinary way.
        """
        if not self._arriving and self._gateway_app is not None and self._is_free():
            if (known := self._heads.find(data)) is not None:
                self._take(self._gateway_app, *known)
                return
            self._from_start = data
        super().data_received(data)
        self._from_start = b""
        if self._held is not None and not self._ignores_input and not self.transport.is_closing():
            self._release()

    def _take(self, app: GatewayApp, head: RepeatedHead, body: bytes) -> None:
        """Answer a whole request with a known head, or begin it, as after parsing."""
        self._wait_no_more()
        if self._answered(app, head.meaning, head.headers, body):
            HttpToolsProtocol.on_response_complete(self)
        else:
            self._unset_keepalive_if_required()
            self._begin(app, head.meaning, head.headers, body)

    def _begin(self, app: GatewayApp, head: PostHead, headers: RawHeaders, body: bytes) -> None:
        """Begin a whole request."""
        answer = app.answer(head, body)
        if isinstance(answer, dict):
            self._begin_app(answer | {POST_HEAD: head}, headers, body)
            return
        held = self.cycle = self._running = HeldRequest(self, answer, head.further)
        responds: Any = held.respond
        HttpToolsProtocol._start_asgi_task(self, held, responds)  # noqa: SLF001 - the base class's

    def _begin_app(self, known: dict[str, Any], headers: RawHeaders, body: bytes) -> None:
        """Begin a whole request that goes through the application; `known` is for its scope."""
        HttpToolsProtocol.on_message_begin(self)
        self.headers += headers
        scope: Any = self.scope
        scope.update(_SCOPE | known)
        cycle = self.cycle = RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=True,
            on_response=self.on_response_complete,
        )
        cycle.body += body
        cycle.more_body = False
        cycle.message_event.set()
        self._start_asgi_task(cycle, self.app)

    def _accept_head(self) -> None:
        """Hold a request back if it can be answered at once."""
        if self._gateway_app is not None and self._is_usual():
            self._in_headers = False
            self._held = bytearray()
        else:
            super()._accept_head()

    def on_body(self, body: bytes) -> None:
        """Collect the body of a request that is held back."""
        if self._held is None:
            super().on_body(body)
        else:
            self._header_bytes -= AROUND * len(body)
            self._held += body

    def on_message_complete(self) -> None:
        """Answer a request that was held back or begin it, or hand it to uvicorn."""
        app, held = self._gateway_app, self._held
        head = app.post_head(self.headers) if app is not None and held is not None else None
        if app is None or held is None or head is None:
            if held is not None:
                self._release()
            super().on_message_complete()
            return
        self._held = None
        self._note_arrival()
        body = bytes(held)
        if not head.names_request:
            repeated = RepeatedHead(tuple(self.headers), head, len(body))
            self._heads.keep(self._from_start, repeated)
        if self._answered(app, head, self.headers, body):
            HttpToolsProtocol.on_response_complete(self)  # nothing waits for its end
        else:
            self._begin(app, head, self.headers, body)

    def _is_usual(self) -> bool:
        """Return whether a POST to the endpoint is all that the request asks for."""
        parser = self.parser
        return (
            self.url == _PATH
            and parser.get_method() == b"POST"
            and self._version == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.expect_100_continue
            and self._is_free()
        )

    def _is_free(self) -> bool:
        """Return whether a response may be written directly.

        That is so on an open connection without a request in flight or unsent bytes.
        """
        return (
            not (self._leaving or self._ignores_input or self.flow.write_paused)
            and self._is_idle()
            and self._unread is None
        )

    def _release(self) -> None:
        body, self._held = self._held, None
        super()._accept_head()
        if body:
            super().on_body(bytes(body))

    def _answered(self, app: GatewayApp, head: PostHead, headers: RawHeaders, body: bytes) -> bool:
        """Write the response to a request, if it is ready."""
        answer = app.fast_path(head, headers, body)
        if answer is None:
            return False
        reply, correlation_id = answer
        defaults = self.server_state.default_headers
        encoded = reply_head(defaults, reply, head.further, correlation_id)
        # in one system call, and one packet
        self.transport.writelines((encoded, reply.body))
        return True
