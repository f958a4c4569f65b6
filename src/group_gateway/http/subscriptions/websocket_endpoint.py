"""WebSockets at the GraphQL endpoint: who may connect, and how a connection is closed."""

from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from group_gateway.http.cors import CrossOriginPolicy
from group_gateway.http.csrf import check_origin
from group_gateway.http.negotiation import JSON
from group_gateway.http.pipeline import RequestPipeline
from group_gateway.http.requests import RequestRefused
from group_gateway.http.responses import CORRELATION_HEADER, deny_websocket, new_correlation_id
from group_gateway.http.subscriptions.graphql_websocket import TRY_AGAIN, GraphQLWebSocket
from group_gateway.http.subscriptions.messages import SUBPROTOCOL, Close
from group_gateway.http.subscriptions.open_subscriptions import Subscriptions
from group_gateway.http.subscriptions.subscription_limit import SubscriptionLimit
from group_gateway.operation import UNKNOWN, RequestContext


class WebSocketEndpoint:
    """Accept WebSockets: at most `sockets` in all, and `per_caller` for each caller.

    `cross_origin` is the policy for other sites' pages.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        pipeline: RequestPipeline,
        sockets: SubscriptionLimit,
        per_caller: SubscriptionLimit,
        cross_origin: CrossOriginPolicy,
    ) -> None:
        self._subscriptions = subscriptions
        self._pipeline = pipeline
        self._sockets = sockets
        self._per_caller = per_caller
        self._cross_origin = cross_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Accept one connection (ASGI)."""
        headers = Headers(scope=scope)
        context = RequestContext(UNKNOWN, new_correlation_id())
        await receive()  # the event that opens the connection
        try:
            check_origin(scope, self._cross_origin)
        except RequestRefused as refused:
            reply = self._pipeline.refusal(refused, JSON, context)
            await deny_websocket(reply, context.correlation_id, send)
            return
        spoken = SUBPROTOCOL if SUBPROTOCOL in scope["subprotocols"] else None
        named = [(CORRELATION_HEADER, context.correlation_id)]
        await send({"type": "websocket.accept", "subprotocol": spoken, "headers": named})
        try:
            end = await self._serve(spoken, headers, receive, send)
        except RequestRefused as refused:
            self._pipeline.refusal(refused, JSON, context)
            end = Close(TRY_AGAIN, refused.message)
        with suppress(OSError):  # it is gone already
            await send({"type": "websocket.close", "code": end.code, "reason": end.reason})

    async def _serve(
        self, spoken: str | None, headers: Headers, receive: Receive, send: Send
    ) -> Close:
        """Serve a connection; return its close code and reason.

        Raises RequestRefused if there are too many connections.
        """
        if spoken is None:
            return Close(4406, f"Subprotocol not acceptable: speak {SUBPROTOCOL}")
        authorization = ", ".join(headers.getlist("authorization")) or None
        websocket = GraphQLWebSocket(
            self._subscriptions, self._pipeline, self._per_caller, receive, send
        )
        try:
            with self._sockets.take(""):
                await websocket.hold(authorization)
        except Close as close:
            return close
        return Close(1001, "Going away")
