"""From a request to its handler by method, and from what a handler raises to an answer.

`app.py` mounts one `Methods` per path.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from group_gateway.sandbox.outcome import Refusal, answer, refuse

Handler = Callable[[Request], Awaitable[Response]]


class Methods:
    """An ASGI app for one path: it knows a handler for each method and refuses the others."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a `Refusal` becomes an OperationOutcome."""
        request = Request(scope, receive)
        try:
            response = await self._handler(request.method)(request)
        except Refusal as refusal:
            response = answer(refusal)
        await response(scope, receive, send)

    def _handler(self, method: str) -> Handler:
        handler = self._handlers.get(method)
        if handler is None:
            refusal = refuse(405, f"Method {method} is not supported")
            refusal.headers = {"Allow": ", ".join(sorted(self._handlers))}
            raise refusal
        return handler
