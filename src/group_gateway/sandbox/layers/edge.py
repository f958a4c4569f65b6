"""The outermost layer: dates and numbers every response, and logs every request.

Pure ASGI, around `faults.py`, so that a misbehaving response is logged and numbered as well.
"""

import uuid
from collections.abc import Callable
from email.utils import formatdate
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from group_gateway.sandbox.recorded_requests import LOGGED_HEADERS, LoggedRequest, RequestLog

CONTROL_PATH: Final = "/sandbox/"


class Edge:
    """Set `Date` and `fumage-correlation-id` on each response, and keep the request log."""

    def __init__(self, app: ASGIApp, log: RequestLog, now: Callable[[], float]) -> None:
        self._app = app
        self._log = log
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; the control endpoint's own are not logged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        entry = _entry(scope)
        logged = not entry.path.startswith(CONTROL_PATH)

        async def send_stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["Date"] = formatdate(self._now(), usegmt=True)
                headers["fumage-correlation-id"] = entry.correlation_id
            await send(message)

        if logged:
            self._log.begin(entry)
        try:
            await self._app(scope, receive, send_stamped)
        finally:
            if logged:
                self._log.end()


def _entry(scope: Scope) -> LoggedRequest:
    headers = Headers(scope=scope)
    return LoggedRequest(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers={name: headers[name] for name in LOGGED_HEADERS if name in headers},
        correlation_id=str(uuid.uuid4()),
    )
