"""From a request to its handler by method, and from a handler's exception to a response.

`sandbox_app.py` mounts one `Methods` per path.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from group_gateway.sandbox.outcome import Refusal, answer, refuse
from group_gateway.sandbox.state import sandbox_of

Handler = Callable[[Request], Awaitable[Response]]


class Methods:
    """An ASGI app for one path: it calls the method's handler and refuses other methods.

    `delete` is the handler of DELETE while the sandbox has the quirk `deletes`.
    """

    def __init__(self, handlers: Mapping[str, Handler], delete: Handler | None = None) -> None:
        self._handlers = handlers
        self._delete = delete

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a `Refusal` becomes an OperationOutcome."""
        request = Request(scope, receive)
        try:
            response = await self._handler(request)(request)
        except Refusal as refusal:
            response = answer(refusal)
        await response(scope, receive, send)

    def _handler(self, request: Request) -> Handler:
        handlers = dict(self._handlers)
        if self._delete is not None and sandbox_of(request).quirks.deletes:
            handlers["DELETE"] = self._delete
        handler = handlers.get(request.method)
        if handler is None:
            refusal = refuse(405, f"Method {request.method} is not supported")
            refusal.headers = {"Allow": ", ".join(sorted(handlers))}
            raise refusal
        return handler
