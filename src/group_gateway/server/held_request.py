"""Requests whose head and body are there when they begin, answered without ASGI's messages.

uvicorn's cycle is still what runs them: it reports a failure of the application, and knows whether
the client has left. Only what carries the messages is left out: nobody reads a scope or waits for a
body, because all that is known already.
"""

from collections.abc import Coroutine, Iterable
from functools import lru_cache
from typing import Any, Final

from msgspec import structs
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from group_gateway.http.responses import CORRELATION_HEADER, Reply, send_reply
from group_gateway.server.whole_response import Header, header_lines, response_head, write_whole

_SCOPE: Final = {"method": "POST"}
"""What uvicorn's `send` reads of a scope."""
_repeated_lines = lru_cache(256)(header_lines)
"""Headers of replies, which are few until the Date changes."""


def reply_head(
    defaults: Iterable[Header], reply: Reply, further: Iterable[Header], correlation_id: bytes
) -> bytes:
    """Return the head of a reply, with the server's `defaults` before and `further` headers."""
    lines = _repeated_lines((*defaults, *reply.headers, *further))
    id_line = b"%b: %b\r\n" % (CORRELATION_HEADER, correlation_id)
    return response_head(reply.status, lines, id_line)


class _UnheardEvent:
    """Stands for the event by which an application hears of its request, where none listens."""

    def set(self) -> None:
        """Do nothing."""


class HeldRequest(RequestResponseCycle):
    """The cycle of one request, on a connection of `protocol` that stays open.

    `answer` is awaited, unless the client has left: a reply and its correlation id. `further` are
    more headers of the reply.
    """

    # What else a cycle begins with, the same for each.
    scope: Any = _SCOPE
    message_event: Any = _UnheardEvent()
    access_log = False
    disconnected = False
    waiting_for_100_continue = False
    response_started = False
    response_complete = False
    chunked_encoding = None
    expected_content_length = 0

    def __init__(
        self,
        protocol: HttpToolsProtocol,
        answer: Coroutine[None, None, tuple[Reply, bytes]],
        further: tuple[Header, ...],
    ) -> None:
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.logger = protocol.logger
        self.default_headers = protocol.server_state.default_headers
        self.on_response = protocol.on_response_complete
        self.keep_alive = True
        self._answer = answer
        self._further = further

    async def respond(self, _: Scope, receive: Receive, send: Send) -> None:
        """Answer the request (ASGI)."""
        if self.disconnected:
            self._answer.close()
            return
        reply, correlation_id = await self._answer
        if self.keep_alive:
            head = reply_head(self.default_headers, reply, self._further, correlation_id)
            await write_whole(self, head, reply.body)
        else:  # the server ends, and uvicorn closes the connection
            whole = structs.replace(reply, headers=[*reply.headers, *self._further])
            await send_reply(whole, correlation_id, receive, send)
