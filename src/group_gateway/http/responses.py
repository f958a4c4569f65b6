"""Encoded responses: sent, shared, and kept ready."""

import random
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.types import Receive, Send

from group_gateway.errors import RequestCode
from group_gateway.execution.operation_result import OperationResult
from group_gateway.http.chunked_body import ChunkedBody
from group_gateway.http.negotiation import GRAPHQL_RESPONSE, JSON
from group_gateway.http.requests import RequestRefused
from group_gateway.operation import AuditRecord

ENDLESS = "group_gateway.endless"
"""ASGI scope key that marks a response with no natural end (SSE); closed abruptly on shutdown."""
CORRELATION_HEADER = b"x-correlation-id"
_encode = msgspec.json.Encoder().encode
_CONTENT_TYPES = {
    media_type: f"{media_type}; charset=utf-8".encode() for media_type in (JSON, GRAPHQL_RESPONSE)
}
VARY = b"Accept, Accept-Encoding, Authorization, Origin"
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"vary", VARY),
    (b"x-content-type-options", b"nosniff"),
)
_OK, _BAD_REQUEST = HTTPStatus.OK.value, HTTPStatus.BAD_REQUEST.value
"""Numbers, because reading a member of an enum takes longer than most of a response's parts."""
_ID_BYTES = 250
"""Upper bound (measured) for the memory that one id takes in a set."""
_draw = random.Random().getrandbits  # noqa: S311 - a name, no secret


class Reply(msgspec.Struct, frozen=True):
    """Status, headers and body of a response; `is_complete` if it has data and no errors."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    is_complete: bool = False
    audit_record: AuditRecord | None = None
    """What the operation did, if somebody records it."""
    delivery: ChunkedBody | None = None
    """The chunks of the body, if it is sent in chunks."""
    codes: Collection[str] = ()
    """The codes of the response's errors."""
    variants: dict[str, "Reply"] = msgspec.field(default_factory=dict)
    """The same response in content codings, by the coding's name."""

    @property
    def size(self) -> int:
        """Bytes of memory that a kept response takes. Its audit record may hold a thousand ids."""
        ids = len(self.audit_record.read) if self.audit_record else 0
        variants = sum(len(variant.body) for variant in self.variants.values())
        return len(self.body) + variants + _ID_BYTES * ids


def new_correlation_id() -> bytes:
    """Return a correlation id: 32 hex digits, never taken from a client.

    A client's own id could be anything, such as a patient's id, and would then appear in logs.
    """
    return b"%032x" % _draw(128)


def new_reply(
    status: int,
    media_type: str,
    body: bytes,
    *,
    is_complete: bool = False,
    audit_record: AuditRecord | None = None,
) -> Reply:
    """Return the response with this body. It forbids caching, and content sniffing by browsers."""
    headers = [
        (b"content-type", _CONTENT_TYPES[media_type]),
        (b"content-length", b"%d" % len(body)),
        *_HEADERS,
    ]
    return Reply(status, headers, body, is_complete, audit_record)


def answer_reply(
    answer: OperationResult,
    media_type: str,
    extensions: Mapping[str, Any],
    audit_record: AuditRecord | None,
) -> Reply:
    """Return the response to a well-formed request (GraphQL over HTTP, section 6.4).

    200 means executed. As `application/json`, for older clients, it is also the status of a request
    that failed before execution.
    """
    status = _OK if answer.executed or media_type == JSON else _BAD_REQUEST
    body = answer.body(extensions)
    if answer.is_complete:
        return new_reply(status, media_type, body, is_complete=True, audit_record=audit_record)
    reply = new_reply(status, media_type, body, audit_record=audit_record)
    return msgspec.structs.replace(reply, codes=answer.codes)


def multipart_reply(delivery: ChunkedBody) -> Reply:
    """Return a response whose body is sent in chunks."""
    # nginx would keep the first part until there is more to send.
    kind = (b"content-type", b'multipart/mixed; boundary="-"')
    headers = [kind, *_HEADERS, (b"x-accel-buffering", b"no")]
    return Reply(HTTPStatus.OK, headers, b"", delivery=delivery)


async def send_reply(reply: Reply, correlation_id: bytes, receive: Receive, send: Send) -> None:
    """Send a response (ASGI)."""
    headers = [*reply.headers, (CORRELATION_HEADER, correlation_id)]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if reply.delivery is not None:
        await reply.delivery.send(receive, send)
    else:
        await send({"type": "http.response.body", "body": reply.body})


async def deny_websocket(reply: Reply, correlation_id: bytes, send: Send) -> None:
    """Answer a WebSocket's handshake with an HTTP response (ASGI's extension)."""
    headers = [*reply.headers, (CORRELATION_HEADER, correlation_id)]
    start = {"type": "websocket.http.response.start", "status": reply.status, "headers": headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": reply.body})


def refusal(refused: RequestRefused, media_type: str, correlation_id: bytes) -> Reply:
    """Return the response to a refused request."""
    extensions: dict[str, object] = {"code": refused.code, "correlationId": correlation_id.decode()}
    if refused.retry_after is not None:
        extensions["retryAfter"] = refused.retry_after
    error = {"message": refused.message, "extensions": extensions}
    reply = new_reply(refused.status, media_type, _encode({"errors": [error]}))
    if refused.status == HTTPStatus.METHOD_NOT_ALLOWED:
        reply.headers.append((b"allow", b"POST"))
    reply.headers.extend(refused.headers)
    if refused.retry_after is not None:
        reply.headers.append((b"retry-after", b"%d" % refused.retry_after))
    return reply


def not_acceptable() -> RequestRefused:
    """Return the refusal for a client that accepts no form of JSON."""
    message = f"The answer is {GRAPHQL_RESPONSE} or {JSON}."
    return RequestRefused(message, 406, RequestCode.NOT_ACCEPTABLE)


def batch_reply(media_type: str, replies: list[Reply]) -> Reply:
    """Return the response to an array of operations: the array of their responses."""
    body = b"[" + b",".join(reply.body for reply in replies) + b"]"
    return new_reply(HTTPStatus.OK, media_type, body)
