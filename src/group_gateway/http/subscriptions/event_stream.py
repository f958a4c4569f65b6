"""Server-sent events: a subscription as one HTTP response without an end.

This is the distinct connections mode of GraphQL over Server-Sent Events (graphql-sse, PROTOCOL.md),
in the format of the HTML standard, section 9.2.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NoReturn

from starlette.types import ASGIApp, Receive, Scope, Send

from group_gateway.concurrency import first_completed
from group_gateway.errors import Unauthenticated
from group_gateway.execution.graphql_request import GraphQLRequest
from group_gateway.execution.operation_result import OperationResult
from group_gateway.http.disconnect import disconnected
from group_gateway.http.negotiation import JSON, takes
from group_gateway.http.pipeline import RequestPipeline
from group_gateway.http.requests import RequestRefused
from group_gateway.http.responses import CORRELATION_HEADER, ENDLESS, VARY, Reply, send_reply
from group_gateway.http.subscriptions.open_subscriptions import (
    NOT_ACCEPTED,
    ClientSession,
    Subscriptions,
)

EVENT_STREAM: Final = "text/event-stream"
_ALIVE_SECONDS: Final = 12.0
"""Seconds between two comments, which keep proxies from closing an idle stream and detect clients
that have left."""
_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"vary", VARY),
    (b"x-content-type-options", b"nosniff"),
    (b"x-accel-buffering", b"no"),  # nginx would wait for more
]
_COMMENT: Final = b":\n\n"
_COMPLETE: Final = b"event: complete\ndata:\n\n"


@lru_cache(32)
def takes_events(accept: str | None) -> bool:
    """Return whether a client accepts event streams by name."""
    return accept is not None and takes(accept, EVENT_STREAM)


def as_events(reply: Reply) -> Reply:
    """Return the response to a query or mutation as a stream of one event, if it was executed."""
    if reply.status != HTTPStatus.OK:
        return reply
    body = _next(reply.body) + _COMPLETE
    return Reply(reply.status, [*_HEADERS, (b"content-length", b"%d" % len(body))], body)


class EventStreams:
    """Answer subscriptions with event streams."""

    def __init__(self, subscriptions: Subscriptions, pipeline: RequestPipeline) -> None:
        self._subscriptions = subscriptions
        self._pipeline = pipeline

    def respond(self, request: GraphQLRequest, session: ClientSession) -> ASGIApp:
        """Return the response to a subscription: an ASGI application for this one request."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            scope[ENDLESS] = True
            try:
                with self._subscriptions.limit.take(session.principal.scope):
                    await self._stream(request, session, receive, send)
            except RequestRefused as refused:
                reply = self._refusal(refused, session)
                await send_reply(reply, session.correlation_id, receive, send)

        return application

    async def _stream(
        self, request: GraphQLRequest, session: ClientSession, receive: Receive, send: Send
    ) -> None:
        headers = [*_HEADERS, (CORRELATION_HEADER, session.correlation_id)]
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
        await _send(send, _COMMENT)
        answers = self._subscriptions.answers(request, session)
        try:
            last = await first_completed(
                self._events(answers, session, send),
                _stay_alive(send),
                disconnected(receive),
                self._ending(),
                self._refused(session),
                until=session.until,
            )
        except TimeoutError:
            expired = RequestRefused("The token has expired.", 401, Unauthenticated.code)
            last = self._last(expired, session)
        await _send(send, last, more=False)

    async def _events(
        self, answers: AsyncGenerator[OperationResult, None], session: ClientSession, send: Send
    ) -> bytes:
        """Send an event for each result; return the last event of the stream."""
        try:
            async with aclosing(answers):
                async for answer in answers:
                    await _send(send, _next(answer.body()))
        except RequestRefused as refused:
            return self._last(refused, session)
        return _COMPLETE

    async def _ending(self) -> bytes:
        """Wait for the process to end."""
        await self._subscriptions.ending.wait()
        return b""

    async def _refused(self, session: ClientSession) -> bytes:
        """Wait until the token is refused; return the last event of the stream."""
        await self._subscriptions.until_refused(session)
        refused = RequestRefused(NOT_ACCEPTED, 401, Unauthenticated.code)
        return self._last(refused, session)

    def _last(self, refused: RequestRefused, session: ClientSession) -> bytes:
        return _next(self._refusal(refused, session).body) + _COMPLETE

    def _refusal(self, refused: RequestRefused, session: ClientSession) -> Reply:
        return self._pipeline.refusal(refused, JSON, session.context)


async def _stay_alive(send: Send) -> NoReturn:
    while True:
        await asyncio.sleep(_ALIVE_SECONDS)
        await _send(send, _COMMENT)


async def _send(send: Send, body: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


def _next(body: bytes) -> bytes:
    return b"event: next\ndata: %b\n\n" % body  # JSON as msgspec writes it has no line breaks
