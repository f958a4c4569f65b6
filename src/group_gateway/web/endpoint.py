"""The GraphQL endpoint: one HTTP request, one operation (GraphQL over HTTP specification).

A POST is answered straight on ASGI, because a framework's request and response objects would cost
more than a small query; visits of browsers and GETs go the ordinary way.
"""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from group_gateway.cache.store import CacheStore
from group_gateway.execution.engine import Answer, Engine, GraphQLRequest
from group_gateway.execution.sharing import AnswersInFlight, LeaderGone, Question, ReadyAnswers
from group_gateway.operation import Caller, Operation
from group_gateway.telemetry import Telemetry
from group_gateway.web.callers import PassThrough
from group_gateway.web.graphiql import GraphiQL
from group_gateway.web.wire import (
    GRAPHQL_RESPONSE,
    JSON,
    BadRequest,
    check_json_content,
    media_type_for,
    request_of_body,
    request_of_query,
    wants_html,
)

_READ = frozenset({b"accept", b"authorization", b"content-length", b"content-type"})
_encode = msgspec.json.Encoder().encode
_chosen_media_type = lru_cache(256)(media_type_for)
_check_json_content = lru_cache(256)(check_json_content)
_CONTENT_TYPES = {
    media_type: f"{media_type}; charset=utf-8".encode() for media_type in (JSON, GRAPHQL_RESPONSE)
}


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one request may take: bytes of body, seconds, upstream calls.

    `ready_bytes` is what all answers that are kept ready may take together.
    """

    body: int = 4 * 1024 * 1024
    seconds: float = 20.0
    upstream_calls: int = 50
    ready_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Reply:
    """Status, headers and body of an answer; `is_complete` when it has data and no errors."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    is_complete: bool = False


def _new_reply(status: int, media_type: str, body: bytes, *, is_complete: bool = False) -> _Reply:
    headers = [
        (b"content-type", _CONTENT_TYPES[media_type]),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept, Authorization"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append((b"allow", b"POST"))
    return _Reply(status, headers, body, is_complete)


class Endpoint:
    """Answers GET and POST. `page` is what a browser gets, if anything."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that answering takes
        self,
        engine: Engine,
        callers: PassThrough,
        limits: RequestLimits,
        cache: CacheStore,
        telemetry: Telemetry,
        page: GraphiQL | None = None,
    ) -> None:
        self._engine = engine
        self._callers = callers
        self._limits = limits
        self._telemetry = telemetry
        self._page = page
        self._in_flight: AnswersInFlight[_Reply] = AnswersInFlight(engine.epoch)
        self._ready: ReadyAnswers[_Reply] = ReadyAnswers(cache, max_bytes=limits.ready_bytes)

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a POST (ASGI)."""
        headers = {
            name: value.decode("latin-1") for name, value in scope["headers"] if name in _READ
        }
        media_type = _chosen_media_type(headers.get(b"accept"))
        try:
            if media_type is None:
                raise _not_acceptable()
            _check_json_content(headers.get(b"content-type"))
            body = await self._body(headers.get(b"content-length"), receive)
            reply = await self._answer(body, headers.get(b"authorization"), media_type)
        except BadRequest as refused:
            self._telemetry.request("refused")
            reply = _refusal(refused, media_type or JSON)
        start = {"type": "http.response.start", "status": reply.status, "headers": reply.headers}
        await send(start)
        await send({"type": "http.response.body", "body": reply.body})

    async def _answer(self, body: bytes, authorization: str | None, media_type: str) -> _Reply:
        caller = self._callers.identify(authorization)
        question = (caller.scope if caller else "", media_type, body)
        ready = await self._ready.get(question)
        if ready is not None:
            self._telemetry.request("ready")
            return ready
        flight = self._in_flight.joined(question)
        if flight is not None:
            with suppress(LeaderGone):
                reply = await asyncio.shield(flight)
                self._telemetry.request("joined")
                return reply
        asked = request_of_body(body)
        if not self._engine.document(asked).is_query(asked.operation_name):
            return await self._reply(asked, self._operation(caller), media_type)
        return await self._in_flight.lead(question, self._lead(question, asked, caller))

    async def _lead(
        self, question: Question, asked: GraphQLRequest, caller: Caller | None
    ) -> _Reply:
        operation = self._operation(caller)
        reply = await self._reply(asked, operation, question[1])
        if operation.parts and reply.is_complete:
            self._ready.put(question, reply, len(reply.body), operation.parts)
        return reply

    async def get(self, request: Request) -> Response:
        """Answer a GET: a page for a browser, else a query."""
        accept = request.headers.get("accept")
        if self._page is not None and wants_html(accept) and "query" not in request.query_params:
            return self._page.page()
        media_type = media_type_for(accept)
        try:
            if media_type is None:
                raise _not_acceptable()
            asked = self._queried(request)
        except BadRequest as refused:
            reply = _refusal(refused, media_type or JSON)
        else:
            caller = self._callers.identify(request.headers.get("authorization"))
            reply = await self._reply(asked, self._operation(caller), media_type)
        response = Response(reply.body, reply.status)
        response.raw_headers = reply.headers
        return response

    def _operation(self, caller: Caller | None) -> Operation:
        return Operation(
            asker=caller,
            deadline=asyncio.get_running_loop().time() + self._limits.seconds,
            calls_left=self._limits.upstream_calls,
            correlation_id=os.urandom(16).hex(),
        )

    async def _reply(self, asked: GraphQLRequest, operation: Operation, media_type: str) -> _Reply:
        answer = await self._engine.run(asked, operation)
        is_complete = answer.executed and not answer.errors
        self._telemetry.request("complete" if is_complete else "errors")
        return _new_reply(
            _status(answer, media_type),
            media_type,
            answer.body(),
            is_complete=is_complete,
        )

    def _queried(self, request: Request) -> GraphQLRequest:
        asked = request_of_query(request.query_params)
        document = self._engine.document(asked)
        if document.operation(asked.operation_name) and not document.is_query(asked.operation_name):
            raise BadRequest("A GET can only query. Send mutations with POST.", 405)
        return asked

    async def _body(self, length: str | None, receive: Receive) -> bytes:
        limit = self._limits.body
        if length is not None and length.isdecimal() and int(length) > limit:
            raise BadRequest(f"A body has at most {limit} bytes.", 413)
        message = await receive()
        if not message.get("more_body", False):
            return _part(message, 0, limit)
        parts, size = [_part(message, 0, limit)], 0
        while message.get("more_body", False):
            message = await receive()
            size += len(parts[-1])
            parts.append(_part(message, size, limit))
        return b"".join(parts)


def _part(message: Any, size: int, limit: int) -> bytes:
    if message["type"] == "http.disconnect":
        raise BadRequest("The client went away.")
    body: bytes = message.get("body", b"")
    if size + len(body) > limit:
        raise BadRequest(f"A body has at most {limit} bytes.", 413)
    return body


def _status(answer: Answer, media_type: str) -> int:
    """Give the status (GraphQL over HTTP, section 6.4): 200 for all that was executed.

    As `application/json`, for clients of old, also a request that failed before is a 200.
    """
    if answer.executed or media_type == JSON:
        return HTTPStatus.OK
    return HTTPStatus.BAD_REQUEST


def _not_acceptable() -> BadRequest:
    return BadRequest(f"The answer is {GRAPHQL_RESPONSE} or {JSON}.", 406)


def _refusal(refused: BadRequest, media_type: str) -> _Reply:
    error = {"message": refused.message, "extensions": {"code": "BAD_REQUEST"}}
    return _new_reply(refused.status, media_type, _encode({"errors": [error]}))
