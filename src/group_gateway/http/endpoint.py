"""The GraphQL endpoint: one HTTP request, one operation (GraphQL over HTTP specification).

POST is implemented on plain ASGI, because a framework's request and response objects would cost
more than a small query. GETs use Starlette's.
"""

from collections.abc import Sequence
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from group_gateway.errors import RequestCode
from group_gateway.http.client_awareness import CLIENT_HEADERS, client_of, names_request
from group_gateway.http.compression import Compression
from group_gateway.http.conditional import revalidated
from group_gateway.http.csrf import check_same_site
from group_gateway.http.graphiql import GraphiQL
from group_gateway.http.negotiation import (
    GRAPHQL_RESPONSE,
    WHOLE,
    Negotiation,
    media_type_for,
    wants_html,
)
from group_gateway.http.pipeline import RequestPipeline, SubscriptionRequested
from group_gateway.http.post_head import POST_HEAD, Headers, PostHead
from group_gateway.http.request_body import decoded_body, whole_body
from group_gateway.http.request_limits import RequestLimits
from group_gateway.http.requests import (
    RequestRefused,
    check_json_content,
    header_values,
    request_of_query,
)
from group_gateway.http.responses import (
    CORRELATION_HEADER,
    Reply,
    new_correlation_id,
    not_acceptable,
    send_reply,
)
from group_gateway.http.subscriptions.event_stream import EventStreams, as_events, takes_events
from group_gateway.http.subscriptions.open_subscriptions import ClientSession
from group_gateway.identity.authenticator import Authenticator
from group_gateway.memory_budget import FREE, MemoryBudget
from group_gateway.operation import UNKNOWN, RequestContext
from group_gateway.trace_context import names_trace

_READ = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
    }
)
RawHeaders = Sequence[tuple[bytes, bytes]]
"""ASGI's form: names in lower case."""
# Few: honest clients share a few values; others could fill any number of entries.
_chosen_media_type = lru_cache(32)(media_type_for)
_check_json_content = lru_cache(32)(check_json_content)


class Endpoint:
    """Answer GET and POST.

    `page` is the page for browsers, if there is one. `events` answers subscriptions, if they are
    offered.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all that answering takes
        self,
        pipeline: RequestPipeline,
        callers: Authenticator,
        limits: RequestLimits,
        compression: Compression,
        negotiation: Negotiation,
        page: GraphiQL | None = None,
        events: EventStreams | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._callers = callers
        self._limits = limits
        self._budget = MemoryBudget(limits.bodies)
        self._compression = compression
        self._negotiation = negotiation
        self._page = page
        self._events = events
        self._read = _READ | CLIENT_HEADERS | negotiation.headers

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a POST (ASGI)."""
        head: PostHead | None = scope.get(POST_HEAD)
        headers = header_values(scope["headers"], self._read) if head is None else head.headers
        context = RequestContext(UNKNOWN, new_correlation_id(), client_of(headers))
        try:
            reply = await self._posted(scope, receive, headers, context)
        except RequestRefused as refused:
            reply = self._refusal(refused, headers, context)
        if isinstance(reply, Reply):
            await send_reply(reply, context.correlation_id, receive, send)
        else:
            await reply(scope, receive, send)

    async def _posted(
        self, scope: Scope, receive: Receive, headers: Headers, context: RequestContext
    ) -> Reply | ASGIApp:
        accept = headers.get(b"accept")
        media_type = _chosen_media_type(accept)
        if media_type is None and not self._streams(accept):
            raise not_acceptable()
        _check_json_content(headers.get(b"content-type"))
        if b"content-encoding" in headers:
            body = await decoded_body(receive, headers, self._limits.body, self._budget)
        else:
            length = headers.get(b"content-length")
            body = await whole_body(receive, length, self._limits.body, self._budget)
        authorization = headers.get(b"authorization")
        known = self._callers.cached(authorization)
        principal = context.principal = known or await self._callers.authenticate(authorization)
        key = (principal.scope, media_type or GRAPHQL_RESPONSE, body)
        wanted = self._negotiation.of(headers, scope["http_version"])
        reply = await self._pipeline.answer(key, context, wanted)
        if isinstance(reply, SubscriptionRequested):
            return self._stream(reply, accept, authorization, context)
        if media_type is None and reply.delivery is None:
            return as_events(reply)
        if b"accept-encoding" not in headers:
            return reply
        return await self._pipeline.encoded(key, reply, headers[b"accept-encoding"])

    def post_head(self, raw_headers: RawHeaders) -> PostHead | None:
        """Return what a head means for `fast_path`; None if `post` must answer the request."""
        headers = header_values(raw_headers, self._read)
        media_type = _chosen_media_type(headers.get(b"accept"))
        if media_type is None or b"content-encoding" in headers:
            return None
        wanted = self._negotiation.of(headers, "1.1")
        if wanted.trace:
            return None
        try:
            _check_json_content(headers.get(b"content-type"))
        except RequestRefused:
            return None
        is_whole = wanted is WHOLE and not self._streams(headers.get(b"accept"))
        return PostHead(
            headers,
            media_type,
            headers.get(b"authorization"),
            names_request=names_request(headers),
            is_whole=is_whole,
            names_trace=names_trace(raw_headers),
        )

    def fast_path(self, head: PostHead, body: bytes) -> tuple[Reply, bytes] | None:
        """Return the response of `post` and its correlation id, if that needs no waiting.

        None means that the request must go through `post`.
        """
        principal = self._callers.cached(head.authorization)
        if principal is None:
            return None
        key = (principal.scope, head.media_type, body)
        return self._pipeline.fast_path(key, principal, head.headers)

    def can_answer(self, head: PostHead, body: bytes) -> bool:
        """Return whether `answer` does for a request what `post` does."""
        return head.is_whole and len(body) <= min(self._limits.body, FREE)

    async def answer(self, head: PostHead, body: bytes) -> tuple[Reply, bytes]:
        """Return the response of `post` where the body is there, and its correlation id."""
        context = RequestContext(UNKNOWN, new_correlation_id(), client_of(head.headers))
        known = self._callers.cached(head.authorization)
        try:
            principal = known or await self._callers.authenticate(head.authorization)
            context.principal = principal
            key = (principal.scope, head.media_type, body)
            reply = await self._pipeline.answer(key, context)
            if isinstance(reply, SubscriptionRequested):
                raise reply.refusal()
            if b"accept-encoding" in head.headers:
                accepted = head.headers[b"accept-encoding"]
                reply = await self._pipeline.encoded(key, reply, accepted)
        except RequestRefused as refused:
            reply = self._refusal(refused, head.headers, context)
        return reply, context.correlation_id

    def _refusal(self, refused: RequestRefused, headers: Headers, context: RequestContext) -> Reply:
        if context.principal is UNKNOWN:
            known = self._callers.cached(headers.get(b"authorization"))
            context.principal = known or UNKNOWN
        media_type = _chosen_media_type(headers.get(b"accept"))
        return self._pipeline.refusal(refused, media_type, context)

    def _streams(self, accept: str | None) -> bool:
        return self._events is not None and takes_events(accept)

    def _stream(
        self,
        wanted: SubscriptionRequested,
        accept: str | None,
        authorization: str | None,
        context: RequestContext,
    ) -> ASGIApp:
        """Return the response to a subscription; raise RequestRefused if it can't be streamed."""
        if self._events is None or not takes_events(accept):
            raise wanted.refusal()
        id, client = context.correlation_id, context.client
        session = ClientSession(context.principal, authorization, id, client)
        return self._events.respond(wanted.request, session)

    async def get(self, request: Request) -> ASGIApp:
        """Answer a GET: GraphiQL for a browser, else a query."""
        headers = header_values(request.scope["headers"], self._read | {b"if-none-match"})
        accept = headers.get(b"accept", "")
        if self._page is not None and wants_html(accept) and "query" not in request.query_params:
            return self._page.page()
        context = RequestContext(UNKNOWN, new_correlation_id(), client_of(headers))
        try:
            reply = await self._got(request, headers, context)
        except RequestRefused as refused:
            reply = self._refusal(refused, headers, context)
        if not isinstance(reply, Reply):
            return reply
        response = Response(reply.body, reply.status)
        response.raw_headers = [*reply.headers, (CORRELATION_HEADER, context.correlation_id)]
        return response

    async def _got(
        self, request: Request, headers: Headers, context: RequestContext
    ) -> Reply | ASGIApp:
        accept = headers.get(b"accept")
        media_type = _chosen_media_type(accept)
        if media_type is None and not self._streams(accept):
            raise not_acceptable()
        self._check_upgrade(request)
        check_same_site(request.scope, self._limits.cross_origin)
        authorization = headers.get(b"authorization") or None
        context.principal = await self._callers.authenticate(authorization)
        graphql_request = request_of_query(request.query_params)
        reply = await self._pipeline.answer_query(
            graphql_request, context, media_type or GRAPHQL_RESPONSE
        )
        if isinstance(reply, SubscriptionRequested):
            return self._stream(reply, accept, authorization, context)
        if media_type is None:
            return as_events(reply)
        return await revalidated(reply, headers, self._compression)

    def _check_upgrade(self, request: Request) -> None:
        """Raise RequestRefused for a WebSocket handshake that did not become a WebSocket."""
        if request.headers.get("upgrade", "").lower() == "websocket":
            message = "There are no WebSockets here: subscriptions are switched off."
            raise RequestRefused(message, 400, RequestCode.SUBSCRIPTIONS_DISABLED)
