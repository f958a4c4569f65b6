"""Responses with a known length: head and body in one system call, and one packet.

uvicorn writes the head when it is known, and the body after it. Each write costs the server a
system call, and the client another read.
"""

from collections.abc import Iterable
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_Header = tuple[bytes, bytes]


class WholeResponse:
    """Run an application for one request, within uvicorn's `cycle`."""

    def __init__(self, app: Any, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle
        self._start: Message | None = None
        """The start of the response, until its body is known."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request (ASGI)."""
        self._send = send
        await self._app(scope, receive, self._sending)

    async def _sending(self, message: Message) -> None:
        start, self._start = self._start, None
        if start is None:
            if message["type"] == "http.response.start" and _has_length(message["headers"]):
                self._start = message
            else:
                await self._send(message)
        elif self._is_usual(message):
            await self._write(start, message["body"])
        else:
            await self._send(start)
            await self._send(message)

    def _is_usual(self, message: Message) -> bool:
        """Return whether this is the whole body, on a connection that stays open."""
        cycle = self._cycle
        return "body" in message and not message.get("more_body") and cycle.keep_alive

    async def _write(self, start: Message, body: bytes) -> None:
        cycle = self._cycle
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        head = response_head(start["status"], [*cycle.default_headers, *start["headers"]])
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.writelines((head, body))
        cycle.message_event.set()
        cycle.on_response()


def response_head(status: int, headers: list[_Header]) -> bytes:
    """Return the head of a response; raise RuntimeError for a control character in it."""
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers):
        raise RuntimeError("a control character in the response's head")
    return b"%b%b\r\n" % (STATUS_LINE[status], lines)


def _has_length(headers: Iterable[_Header]) -> bool:
    return any(name == b"content-length" for name, _ in headers)
