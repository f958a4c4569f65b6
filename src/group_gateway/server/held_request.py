"""Requests whose head and body are there when they begin, answered without ASGI's messages.

uvicorn's cycle is still what runs them: it reports a failure of the application, and knows whether
the client has left. Only the messages are left out, which would carry what is known already.
"""

from collections.abc import Coroutine

from msgspec import structs
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from group_gateway.http.responses import CORRELATION_HEADER, Reply, send_reply
from group_gateway.server.whole_response import write_whole


class HeldRequest:
    """The application for one request, within uvicorn's `cycle`.

    `answer` is awaited, unless the client has left: a reply and its correlation id. `further` are
    more headers of the reply.
    """

    def __init__(
        self,
        cycle: RequestResponseCycle,
        answer: Coroutine[None, None, tuple[Reply, bytes]],
        further: tuple[tuple[bytes, bytes], ...],
    ) -> None:
        self._cycle = cycle
        self._answer = answer
        self._further = further

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Answer the request (ASGI)."""
        if self._cycle.disconnected:
            self._answer.close()
            return
        reply, correlation_id = await self._answer
        headers = [*reply.headers, *self._further]
        if self._cycle.keep_alive:
            headers.append((CORRELATION_HEADER, correlation_id))
            await write_whole(self._cycle, reply.status, headers, reply.body)
        else:  # the server ends, and uvicorn closes the connection
            await send_reply(structs.replace(reply, headers=headers), correlation_id, receive, send)
