"""Responses without waiting, written by the connection itself: no task, no cycle, no ASGI messages.

Most of the cost of a ready response, or of a refusal for lack of room, is what uvicorn does around
an application. So a complete request is held back until it is known whether it can be answered at
once. If not, or if anything about it is unusual, it takes the ordinary way.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from group_gateway.http.gateway_app import ENDPOINT_PATH, GatewayApp
from group_gateway.server.http_protocol import AROUND, BoundedHttpProtocol
from group_gateway.server.whole_response import response_head

_PATH: Final = ENDPOINT_PATH.encode()


class FastPathProtocol(BoundedHttpProtocol):
    """HTTP/1.1 with a fast path for POSTs to the GraphQL endpoint of a GatewayApp."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._gateway_app = self.app if isinstance(self.app, GatewayApp) else None
        self._held: bytearray | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Switch the fast path off at the admin port."""
        super().connection_made(transport)
        if self.server is not None and self.server[1] == self._limits.admin_port != 0:
            self._gateway_app = None

    def data_received(self, data: bytes) -> None:
        """Parse; a request that is incomplete takes the ordinary way."""
        super().data_received(data)
        if self._held is not None and not self._ignores_input and not self.transport.is_closing():
            self._release()

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
        """Answer a request that was held back, or hand it to uvicorn."""
        if self._held is not None and not self._answered(bytes(self._held)):
            self._release()
        if self._held is None:
            super().on_message_complete()
        else:
            self._held = None
            self._note_arrival()
            HttpToolsProtocol.on_response_complete(self)  # nothing waits for its end

    def _is_usual(self) -> bool:
        """Return whether the response may be written directly.

        That is so on an open connection without a request in flight or unsent bytes.
        """
        parser = self.parser
        return (
            self.url == _PATH
            and parser.get_method() == b"POST"
            and self._version == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.expect_100_continue
            and not self._leaving
            and self._is_idle()
            and not self.flow.write_paused
        )

    def _release(self) -> None:
        body, self._held = self._held, None
        super()._accept_head()
        if body:
            super().on_body(bytes(body))

    def _answered(self, body: bytes) -> bool:
        answer = (
            self._gateway_app.fast_path(self.headers, body)
            if self._gateway_app is not None
            else None
        )
        if answer is None:
            return False
        reply, further = answer
        headers = [*self.server_state.default_headers, *reply.headers, *further]
        head = response_head(reply.status, headers)
        self.transport.writelines((head, reply.body))  # in one system call, and one packet
        return True
