"""The GraphQL endpoint: one HTTP request, one operation (GraphQL over HTTP specification)."""

import asyncio
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from group_gateway.execution.engine import Answer, Engine, GraphQLRequest
from group_gateway.operation import Operation
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

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one request may take: bytes of body, seconds, upstream calls."""

    body: int = 4 * 1024 * 1024
    seconds: float = 20.0
    upstream_calls: int = 50


class Endpoint:
    """Answers GET and POST. `page` is what a browser gets, if anything."""

    def __init__(
        self,
        engine: Engine,
        callers: PassThrough,
        limits: RequestLimits,
        page: GraphiQL | None = None,
    ) -> None:
        self._engine = engine
        self._callers = callers
        self._limits = limits
        self._page = page

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        accept = request.headers.get("accept")
        if request.method == "GET" and self._page is not None and _is_visit(request, accept):
            return self._page.page()
        media_type = media_type_for(accept)
        if media_type is None:
            return _refusal(BadRequest(f"The answer is {GRAPHQL_RESPONSE} or {JSON}.", 406), JSON)
        operation = self._operation(request)
        try:
            asked = await self._asked(request)
        except BadRequest as refused:
            return _refusal(refused, media_type)
        answer = await self._engine.run(asked, operation)
        return _response(answer, media_type, operation)

    def _operation(self, request: Request) -> Operation:
        return Operation(
            asker=self._callers.identify(request.headers.get("authorization")),
            deadline=asyncio.get_running_loop().time() + self._limits.seconds,
            calls_left=self._limits.upstream_calls,
            correlation_id=secrets.token_hex(16),
        )

    async def _asked(self, request: Request) -> GraphQLRequest:
        if request.method == "POST":
            check_json_content(request.headers.get("content-type"))
            return request_of_body(await self._body(request))
        asked = request_of_query(request.query_params)
        document = self._engine.document(asked)
        if document.operation(asked.operation_name) and not document.is_query(asked.operation_name):
            raise BadRequest("A GET can only query. Send mutations with POST.", 405)
        return asked

    async def _body(self, request: Request) -> bytes:
        too_large = BadRequest(f"A body has at most {self._limits.body} bytes.", 413)
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._limits.body:
            raise too_large
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > self._limits.body:
                    raise too_large
        except ClientDisconnect:
            raise BadRequest("The client went away.") from None
        return bytes(body)


def _is_visit(request: Request, accept: str | None) -> bool:
    return wants_html(accept) and "query" not in request.query_params


def _response(answer: Answer, media_type: str, operation: Operation) -> Response:
    return Response(
        answer.body(),
        _status(answer, media_type),
        {
            "vary": "Accept, Authorization",
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            "x-correlation-id": operation.correlation_id,
        },
        media_type=f"{media_type}; charset=utf-8",
    )


def _status(answer: Answer, media_type: str) -> int:
    """Give the status (GraphQL over HTTP, section 6.4): 200 for all that was executed.

    As `application/json`, for clients of old, also a request that failed before is a 200.
    """
    if answer.executed or media_type == JSON:
        return HTTPStatus.OK
    return HTTPStatus.BAD_REQUEST


def _refusal(refused: BadRequest, media_type: str) -> Response:
    body: dict[str, Any] = {
        "errors": [{"message": refused.message, "extensions": {"code": "BAD_REQUEST"}}]
    }
    headers = {"allow": "POST"} if refused.status == HTTPStatus.METHOD_NOT_ALLOWED else {}
    return Response(
        _encode(body), refused.status, headers, media_type=f"{media_type}; charset=utf-8"
    )
