"""Responses with a known length: head and body in one system call, and one packet.

uvicorn writes the head when it is known, and the body after it. Each write costs the server a
system call, and the client another read.
"""

from collections.abc import Iterable
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

Header = tuple[bytes, bytes]
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"connection"})


class WholeResponse:
    """Run an application for one request, within uvicorn's `cycle`."""

    def __init__(self, app: Any, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle
        self._start: Message | None = None
        """The start of the response, until its body is known."""
        self._length = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request (ASGI)."""
        self._send = send
        await self._app(scope, receive, self._sending)

    async def _sending(self, message: Message) -> None:
        start, self._start = self._start, None
        if start is not None and self._is_usual(message):
            lines = header_lines([*self._cycle.default_headers, *start["headers"]])
            await write_whole(self._cycle, response_head(start["status"], lines), message["body"])
        elif start is not None:
            await self._send(start)
            await self._send(message)
        elif message["type"] == "http.response.start" and self._can_wait(message):
            self._start = message
        else:
            await self._send(message)

    def _can_wait(self, start: Message) -> bool:
        """Return whether a response states its length, and no more about its framing."""
        framing = [value for name, value in start["headers"] if name in _FRAMING]
        self._length = framing[0] if len(framing) == 1 else b""
        return self._length.isdigit()

    def _is_usual(self, message: Message) -> bool:
        """Return whether this is the whole body, on a connection that stays open."""
        return (
            "body" in message
            and not message.get("more_body")
            and self._cycle.keep_alive
            and self._length == b"%d" % len(message["body"])
        )


async def write_whole(cycle: RequestResponseCycle, head: bytes, body: bytes) -> None:
    """Write the response of a cycle whose connection stays open; `head` states its length."""
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    if cycle.disconnected:
        return
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.transport.writelines((head, body))
    cycle.message_event.set()
    cycle.on_response()


def header_lines(headers: Iterable[Header]) -> bytes:
    """Return the lines of headers; raise RuntimeError for a control character in one."""
    each = [b"%b: %b\r\n" % header for header in headers]
    lines = b"".join(each)
    if lines.count(b"\n") != len(each) or lines.count(b"\r") != len(each):
        raise RuntimeError("a control character in the response's head")
    return lines


def response_head(status: int, *lines: bytes) -> bytes:
    """Return the head of a response with these lines of headers."""
    return b"".join((STATUS_LINE[status], *lines, b"\r\n"))
