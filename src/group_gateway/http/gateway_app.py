"""The outermost ASGI layer: it hands a POST for the GraphQL endpoint straight to it.

Everything else, and the lifespan, goes to the Starlette application, whose responses get the
headers that every response must have.
"""

from collections.abc import Coroutine
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from group_gateway.errors import RequestCode
from group_gateway.http.cors import CrossOriginPolicy, CrossOriginSharing
from group_gateway.http.endpoint import Endpoint, RawHeaders
from group_gateway.http.negotiation import JSON
from group_gateway.http.post_head import PostHead
from group_gateway.http.requests import RequestRefused
from group_gateway.http.responses import (
    CORRELATION_HEADER,
    Reply,
    deny_websocket,
    new_correlation_id,
    refusal,
)
from group_gateway.trace_context import names_trace
from group_gateway.tracing import NO_SPAN, NO_TRACING, Span, Tracing

ENDPOINT_PATH = "/graphql"
METRICS_PATH: Final = "/metrics"
_PROBES: Final = frozenset({"/livez", "/readyz"})
_FOR_OPERATORS: Final = _PROBES | {METRICS_PATH}
"""Paths whose responses no page may read."""
FHIR_PATH = "/fhir/"
"""Prefix of the HL7 interface's paths."""
_FHIR_ROUTES: Final = frozenset({"/fhir/$graphql", "/fhir/metadata"})
_IS_TRACED: Final = "group_gateway.is_traced"
"""ASGI scope key of a request whose trace is recorded or passed on."""
END_SUBSCRIPTIONS = "group_gateway.end_subscriptions"
"""Lifespan state key of the function that ends all subscriptions."""
RELOAD_SETTINGS = "group_gateway.reload_settings"
"""Lifespan state key of the function that takes reloaded settings."""
TRACK_CONNECTIONS = "group_gateway.track_connections"
"""Lifespan state key of the function that takes the set of open connections."""
# Strict-Transport-Security is the business of the proxy that terminates TLS.
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_METHODS: Final = {"/": "GET, HEAD, OPTIONS", ENDPOINT_PATH: "GET, HEAD, POST, OPTIONS"}
"""Methods of the paths that answer OPTIONS: it is the default health check of some proxies. Probes
do not answer it, because a check of readiness must not pass by its method."""
_OTHER_METHOD: Final = (
    f"This path does not take the method. GraphQL is at {ENDPOINT_PATH}, by POST."
)
_NO_RESERVATIONS: Final = (
    "Event streams can't be reserved: each has a request of its own, by POST"
    " (graphql-sse's distinct connections mode, `singleConnection: false`)."
)
"""Response to the first request of graphql-sse's single connection mode."""


class GatewayApp(Starlette):
    """The gateway's application: Starlette, with a shorter way for GraphQL requests.

    `cross_origin` is the policy for other sites' pages. `sockets` answers WebSockets, if they are
    offered.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        cross_origin: CrossOriginPolicy,
        sockets: ASGIApp | None = None,
        tracing: Tracing = NO_TRACING,
        admin_port: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(exception_handlers={404: _refuse, 405: _refuse}, **options)
        # A redirect of `/graphql/` would go by http and the Host header, and the token with it.
        self.router.redirect_slashes = False
        self._endpoint = endpoint
        self._cross_origin = cross_origin
        self._sockets = sockets
        self._admin_port = admin_port
        self._tracing = tracing
        self._post: ASGIApp = endpoint.post
        self._other_paths: ASGIApp = self._others
        if cross_origin.origins:
            self._post = CrossOriginSharing(self._post, cross_origin)
            self._other_paths = CrossOriginSharing(self._others, cross_origin)

    def post_head(self, headers: RawHeaders) -> PostHead | None:
        """Return what the head of a POST to the GraphQL endpoint means for `fast_path`.

        None means that such a request must go through the application.
        """
        head = self._endpoint.post_head(headers)
        if head is None:
            return None
        further = tuple(
            header
            for name, value in headers
            if name == b"origin" and self._cross_origin.origins
            for header in self._cross_origin.response_headers(value.decode("latin-1"))
        )
        return replace(head, further=further)

    def fast_path(
        self, head: PostHead, headers: RawHeaders, body: bytes
    ) -> tuple[Reply, bytes] | None:
        """Return the response to a POST and its correlation id, if it needs no waiting.

        `head` is what `headers` mean. None means that the request must go through the application.
        """
        if not (head.names_trace or self._tracing.begins_trace()):
            return self._endpoint.fast_path(head, body)
        with self._tracing.context(headers):
            answer = self._endpoint.fast_path(head, body)
            if answer is not None:
                self._tracing.ready_answer(headers, ENDPOINT_PATH)
        return answer

    def answer(
        self, head: PostHead, body: bytes
    ) -> Coroutine[None, None, tuple[Reply, bytes]] | dict[str, bool]:
        """Return what answers a POST whose body is there: a reply and its correlation id.

        A dictionary means that the request must go through the application, with that in its scope.
        """
        if not self._endpoint.can_answer(head, body):
            return {}
        if head.names_trace or self._tracing.begins_trace():
            return {_IS_TRACED: True}  # decided once for each request
        return self._endpoint.answer(head, body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection (ASGI)."""
        if self._admin_port and not self._is_here(scope):
            await _not_here(scope, receive, send)
        elif scope["type"] != "http":
            await self._beside_http(scope, receive, send)
        elif scope["path"].startswith(FHIR_PATH):
            await self._traced(self._other_paths, fhir_route(scope["path"]), scope, receive, send)
        elif scope["path"] in _FOR_OPERATORS:
            await self._others(scope, receive, send)
        elif scope["path"] != ENDPOINT_PATH:
            await self._other_paths(scope, receive, send)
        else:
            app = self._post if scope["method"] == "POST" else self._other_paths
            await self._traced(app, ENDPOINT_PATH, scope, receive, send)

    async def _traced(
        self, app: ASGIApp, route: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        is_traced = _IS_TRACED in scope or names_trace(scope["headers"])
        if not (is_traced or self._tracing.begins_trace()):
            await app(scope, receive, send)
            return
        with self._tracing.request(scope["headers"], scope["method"], route) as span:
            sending = send if span is NO_SPAN else _recording_status(send, span)
            await app(scope, receive, sending)

    def _is_here(self, scope: Scope) -> bool:
        """Return whether this port serves the path.

        Metrics are on the admin port; probes are on both.
        """
        path = scope.get("path")
        if scope["type"] == "lifespan" or path in _PROBES:
            return True
        is_admin = (scope.get("server") or (None, None))[1] == self._admin_port
        return is_admin == (path == METRICS_PATH)

    async def _beside_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await super().__call__(scope, receive, send)
        elif scope["path"] == ENDPOINT_PATH and self._sockets is not None:
            with self._tracing.context(scope["headers"]):
                await self._sockets(scope, receive, send)
        else:
            await _no_socket_here(receive, send)

    async def _others(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault(CORRELATION_HEADER.decode(), new_correlation_id().decode())
            await send(message)

        if _asks_for_methods(scope):
            response = Response(
                status_code=HTTPStatus.NO_CONTENT, headers={"Allow": _METHODS[scope["path"]]}
            )
            await response(scope, receive, send_guarded)
        else:
            await super().__call__(scope, receive, send_guarded)


def _asks_for_methods(scope: Scope) -> bool:
    """Return whether a request asks what methods a path takes, and is no preflight of CORS."""
    if scope["method"] != "OPTIONS" or scope["path"] not in _METHODS:
        return False
    return "access-control-request-method" not in Headers(scope=scope)


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer a request to another path or with another method as clients of GraphQL read it."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == HTTPStatus.NOT_FOUND:
        refused = _nothing_here()
    else:
        is_reservation = request.method == "PUT" and request.url.path == ENDPOINT_PATH
        message = _NO_RESERVATIONS if is_reservation else _OTHER_METHOD
        refused = RequestRefused(message, error.status_code, RequestCode.METHOD_NOT_ALLOWED)
    correlation_id = new_correlation_id()
    reply = refusal(refused, JSON, correlation_id)
    response = Response(reply.body, reply.status)
    response.raw_headers = [*reply.headers, (CORRELATION_HEADER, correlation_id)]
    response.headers.update(error.headers or {})
    return response


def _nothing_here() -> RequestRefused:
    message = f"There is nothing at this path. GraphQL is at {ENDPOINT_PATH}."
    return RequestRefused(message, HTTPStatus.NOT_FOUND)


async def _no_socket_here(receive: Receive, send: Send) -> None:
    """Refuse a WebSocket at another path (ASGI)."""
    await receive()  # the event that opens the connection
    id = new_correlation_id()
    await deny_websocket(refusal(_nothing_here(), JSON, id), id, send)


def fhir_route(path: str) -> str:
    """Return the template of a path of the HL7 interface, which holds nothing of the request."""
    if path in _FHIR_ROUTES:
        return path
    return "/fhir/{type}/{id}/$graphql" if path.endswith("/$graphql") else "/fhir/{path}"


async def _not_here(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a path that only another port serves (ASGI)."""
    if scope["type"] == "websocket":
        await _no_socket_here(receive, send)
    else:
        await Response(status_code=HTTPStatus.NOT_FOUND)(scope, receive, send)


def _recording_status(send: Send, span: Span) -> Send:
    async def recording(message: Message) -> None:
        if message["type"] == "http.response.start":
            span.set("http.response.status_code", message["status"])
            if message["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
                span.fail(str(message["status"]))
        await send(message)

    return recording
