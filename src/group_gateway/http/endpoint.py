"""The GraphQL endpoint: one HTTP request, one operation (GraphQL over HTTP specification).

A POST is answered straight on ASGI, because a framework's request and response objects would cost
more than a small query; visits of browsers and GETs go the ordinary way.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from group_gateway.errors import RequestCode
from group_gateway.http.cors import check_same_site
from group_gateway.http.graphiql import GraphiQL
from group_gateway.http.negotiation import Negotiation, RequestedFormat
from group_gateway.http.pipeline import RequestPipeline, SubscriptionRequested
from group_gateway.http.request_body import whole_body
from group_gateway.http.request_limits import RequestLimits
from group_gateway.http.requests import (
    GRAPHQL_RESPONSE,
    RequestRefused,
    check_json_content,
    header_values,
    media_type_for,
    request_of_query,
    wants_html,
)
from group_gateway.http.responses import (
    CORRELATION_HEADER,
    Reply,
    new_correlation_id,
    not_acceptable,
    revalidated,
    send_reply,
)
from group_gateway.http.subscriptions.event_stream import EventStreams, as_events, takes_events
from group_gateway.http.subscriptions.open_subscriptions import ClientSession
from group_gateway.identity.authenticator import Authenticator
from group_gateway.memory_budget import MemoryBudget

_READ = frozenset({b"accept", b"authorization", b"content-length", b"content-type"})
RawHeaders = Sequence[tuple[bytes, bytes]]
"""As ASGI has them: names in lower case."""
# Few: clients agree on some values, and one that makes up its own sends as much as headers take.
_chosen_media_type = lru_cache(32)(media_type_for)
_check_json_content = lru_cache(32)(check_json_content)


class Endpoint:
    """Answers GET and POST. `page` is what a browser gets, if anything.

    `events` answers subscriptions, if there are to be any.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all that answering takes
        self,
        pipeline: RequestPipeline,
        callers: Authenticator,
        limits: RequestLimits,
        page: GraphiQL | None = None,
        negotiation: Negotiation | None = None,
        events: EventStreams | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._callers = callers
        self._limits = limits
        self._room = MemoryBudget(limits.bodies)
        self._page = page
        self._negotiation = negotiation or Negotiation()
        self._events = events
        self._read = _READ | self._negotiation.headers

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a POST (ASGI)."""
        headers = header_values(scope["headers"], self._read)
        accept = headers.get(b"accept")
        media_type = _chosen_media_type(accept)
        correlation_id = new_correlation_id()
        stream = None
        try:
            if media_type is None and not self._streams(accept):
                raise not_acceptable()
            _check_json_content(headers.get(b"content-type"))
            length = headers.get(b"content-length")
            body = await whole_body(receive, length, self._limits.body, self._room)
            authorization = headers.get(b"authorization")
            known = self._callers.known(authorization)
            principal = known or await self._callers.authenticate(authorization)
            question = (principal.scope, media_type or GRAPHQL_RESPONSE, body)
            requested_format = self._requested_format(headers, scope["http_version"])
            try:
                reply = await self._pipeline.answer(
                    question, principal, correlation_id, requested_format
                )
                if media_type is None and reply.delivery is None:
                    reply = as_events(reply)
            except SubscriptionRequested as wanted:
                session = ClientSession(principal, authorization, correlation_id)
                stream = self._stream(wanted, accept, session)
        except RequestRefused as refused:
            known = self._callers.known(headers.get(b"authorization"))
            reply = self._pipeline.refusal(refused, media_type, known, correlation_id)
        if stream is None:
            await send_reply(reply, correlation_id, receive, send)
        else:
            await stream(scope, receive, send)

    def fast_path(self, raw_headers: RawHeaders, body: bytes) -> tuple[Reply, bytes] | None:
        """Give what `post` would answer, and its correlation id, where that takes no waiting.

        None is for everything else, which goes to `post`.
        """
        headers = header_values(raw_headers, self._read)
        media_type = _chosen_media_type(headers.get(b"accept"))
        principal = self._callers.known(headers.get(b"authorization"))
        if media_type is None or principal is None:
            return None
        if (
            requested_format := self._requested_format(headers)
        ) is not None and requested_format.trace:
            return None
        try:
            _check_json_content(headers.get(b"content-type"))
        except RequestRefused:
            return None
        return self._pipeline.fast_path((principal.scope, media_type, body), principal)

    def _requested_format(
        self, headers: Mapping[bytes, str], version: str = "1.1"
    ) -> RequestedFormat | None:
        return self._negotiation.of(headers, version) if self._negotiation.headers else None

    def _streams(self, accept: str | None) -> bool:
        return self._events is not None and takes_events(accept)

    def _stream(
        self, wanted: SubscriptionRequested, accept: str | None, session: ClientSession
    ) -> ASGIApp:
        """Give the answer to a subscription; raises RequestRefused where it can't be streamed."""
        if self._events is None or not takes_events(accept):
            raise wanted
        return self._events.respond(wanted.asked, session)

    async def get(self, request: Request) -> ASGIApp:
        """Answer a GET: a page for a browser, else a query."""
        accept = ", ".join(request.headers.getlist("accept"))
        if self._page is not None and wants_html(accept) and "query" not in request.query_params:
            return self._page.page()
        media_type = media_type_for(accept)
        correlation_id = new_correlation_id()
        authorization = ", ".join(request.headers.getlist("authorization")) or None
        try:
            if media_type is None and not self._streams(accept):
                raise not_acceptable()
            self._check_upgrade(request)
            check_same_site(request.scope, self._limits.cross_origin)
            principal = await self._callers.authenticate(authorization)
            asked = request_of_query(request.query_params)
            kind = media_type or GRAPHQL_RESPONSE
            try:
                reply = await self._pipeline.answer_query(asked, principal, kind, correlation_id)
            except SubscriptionRequested as wanted:
                session = ClientSession(principal, authorization, correlation_id)
                return self._stream(wanted, accept, session)
            if media_type is None:
                reply = as_events(reply)
            elif reply.is_complete:
                reply = revalidated(reply, request.headers.get("if-none-match"))
        except RequestRefused as refused:
            known = self._callers.known(authorization)
            reply = self._pipeline.refusal(refused, media_type, known, correlation_id)
        response = Response(reply.body, reply.status)
        response.raw_headers = [*reply.headers, (CORRELATION_HEADER, correlation_id)]
        return response

    def _check_upgrade(self, request: Request) -> None:
        """Refuse what should have become a WebSocket; raises RequestRefused."""
        if request.headers.get("upgrade", "").lower() == "websocket":
            message = "There are no WebSockets here: subscriptions are switched off."
            raise RequestRefused(message, 400, RequestCode.SUBSCRIPTIONS_DISABLED)
