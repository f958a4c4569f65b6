"""Responses to HTTP/1.0, which knows no chunks: the connection's end ends a body.

uvicorn would send chunks (RFC 9112, section 6.1 forbids them). This module sets the attributes by
which uvicorn's cycle frames a body.
"""

import sys
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class CloseDelimited:
    """Run an application for one HTTP/1.0 request, within uvicorn's `cycle`."""

    def __init__(self, app: Any, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle
        self._unbounded = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request (ASGI)."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._unbounded = all(name != b"content-length" for name, _ in message["headers"])
                if self._unbounded:
                    self._cycle.chunked_encoding = False
            elif self._unbounded:
                more = message.get("more_body", False)
                body = len(message.get("body", b""))
                self._cycle.expected_content_length = sys.maxsize if more else body
            await send(message)

        await self._app(scope, receive, sending)
