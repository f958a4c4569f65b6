"""HL7's interface over HTTP: `/fhir/$graphql`, `/fhir/<Type>/<id>/$graphql`, `/fhir/metadata`."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from group_gateway import __version__
from group_gateway.errors import NotFound, RequestCode
from group_gateway.fhir.group_rules import RELATED_TYPES
from group_gateway.http.client_awareness import CLIENT_HEADERS, client_of
from group_gateway.http.compression import Compression
from group_gateway.http.conditional import revalidated
from group_gateway.http.csrf import check_same_site
from group_gateway.http.fhir_pipeline import FhirPipeline, exact_json, fhir_request
from group_gateway.http.negotiation import JSON
from group_gateway.http.pipeline import SubscriptionRequested
from group_gateway.http.request_body import decoded_body
from group_gateway.http.request_limits import RequestLimits
from group_gateway.http.requests import RequestRefused, header_values, is_array, utf8_media_type
from group_gateway.http.responses import Reply, new_correlation_id, send_reply
from group_gateway.identity.authenticator import Authenticator
from group_gateway.memory_budget import MemoryBudget
from group_gateway.operation import UNKNOWN, RequestContext

OPERATION: Final = "$graphql"
_GRAPHQL: Final = "application/graphql"
_INSTANCE: Final = re.compile(r"/fhir/([A-Za-z]{1,64})/([^/]+)/\$graphql")
_SERVER: Final = f"/fhir/{OPERATION}"
_METADATA: Final = "/fhir/metadata"
_READING: Final = frozenset({"GET", "HEAD"})
"""Methods of queries in the URL: HEAD is a GET whose body the server leaves out."""
_DEFINITION: Final = "http://hl7.org/fhir/OperationDefinition/Resource-graphql"
_READ: Final = CLIENT_HEADERS | {
    b"accept-encoding",
    b"authorization",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"if-none-match",
}
_encode = msgspec.json.Encoder(decimal_format="number").encode


class FhirEndpoint:
    """Answers GET, HEAD and POST (ASGI)."""

    def __init__(
        self,
        pipeline: FhirPipeline,
        callers: Authenticator,
        limits: RequestLimits,
        compression: Compression,
    ) -> None:
        self._pipeline = pipeline
        self._callers = callers
        self._limits = limits
        self._compression = compression
        self._budget = MemoryBudget(limits.bodies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        request = Request(scope, receive)
        headers = header_values(scope["headers"], _READ)
        context = RequestContext(UNKNOWN, new_correlation_id(), client_of(headers))
        try:
            reply = await self._reply(request, headers, context)
        except RequestRefused as refused:
            if context.principal is UNKNOWN:
                context.principal = self._callers.cached(headers.get(b"authorization")) or UNKNOWN
            reply = self._pipeline.refusal(refused, JSON, context)
            if reply.status == HTTPStatus.METHOD_NOT_ALLOWED and request.method not in _READING:
                reply.headers[:] = [*_without_allow(reply), (b"allow", _methods(request))]
        await send_reply(reply, context.correlation_id, request.receive, send)

    async def _reply(
        self, request: Request, headers: Mapping[bytes, str], context: RequestContext
    ) -> Reply:
        path: str = request.scope["path"]
        if path == _METADATA:
            raise _wrong_method("Send a GET.")
        instance = _instance(path)
        if request.method in _READING:
            return await self._get(request, instance, headers, context)
        if request.method != "POST":
            raise _wrong_method("Send a GET or a POST.")
        kind = _content_type(headers.get(b"content-type", ""))
        body = await decoded_body(request.receive, headers, self._limits.body, self._budget)
        if kind == _GRAPHQL:
            body = _as_json(body, request)
        elif is_array(body):
            raise RequestRefused("The body is not a JSON object.")
        context.principal = await self._callers.authenticate(headers.get(b"authorization"))
        key = (context.principal.scope, instance, body)
        reply = _one_answer(await self._pipeline.answer(key, context))
        return await self._pipeline.encoded(key, reply, headers.get(b"accept-encoding"))

    async def _get(
        self,
        request: Request,
        instance: str,
        headers: Mapping[bytes, str],
        context: RequestContext,
    ) -> Reply:
        check_same_site(request.scope, self._limits.cross_origin)
        context.principal = await self._callers.authenticate(headers.get(b"authorization"))
        graphql_request = fhir_request(_parts_of_query(request), instance)
        reply = _one_answer(await self._pipeline.answer_query(graphql_request, context, JSON))
        return await revalidated(reply, headers, self._compression)


def _one_answer(reply: Reply | SubscriptionRequested) -> Reply:
    """Return the response; raise RequestRefused for a subscription, which has several."""
    if isinstance(reply, Reply):
        return reply
    raise reply.refusal()


def _wrong_method(message: str) -> RequestRefused:
    return RequestRefused(message, HTTPStatus.METHOD_NOT_ALLOWED, RequestCode.METHOD_NOT_ALLOWED)


def _methods(request: Request) -> bytes:
    """Return the methods that an address takes."""
    return b"GET, HEAD" if request.scope["path"] == _METADATA else b"GET, HEAD, POST"


def _without_allow(reply: Reply) -> list[tuple[bytes, bytes]]:
    return [header for header in reply.headers if header[0] != b"allow"]


def fhir_routes(endpoint: FhirEndpoint) -> list[BaseRoute]:
    """Return the routes of the interface."""
    return [
        Route(_METADATA, _metadata, methods=["GET"]),
        Route("/fhir", endpoint),
        Route("/fhir/{path:path}", endpoint),
    ]


async def _metadata(_: Request) -> Response:
    """Return a CapabilityStatement. It needs no token."""
    return Response(_encode(capability_statement()), media_type="application/fhir+json")


def capability_statement() -> dict[str, Any]:
    """Return what the interface offers, as an R4 CapabilityStatement."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-28",
        "kind": "instance",
        "software": {"name": "group-gateway", "version": __version__},
        "implementation": {"description": "HL7 FHIR GraphQL in front of a FHIR server"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "operation": [{"name": "graphql", "definition": _DEFINITION}]}],
    }


def _instance(path: str) -> str:
    """Return `<Type>/<id>`, or "" for the server; raise RequestRefused for other paths."""
    if path == _SERVER:
        return ""
    match = _INSTANCE.fullmatch(path)
    if match is None or match[1] not in RELATED_TYPES:
        raise RequestRefused("There is nothing at this address.", 404, NotFound.code)
    return f"{match[1]}/{match[2]}"


def _content_type(text: str) -> str:
    """Return the media type of a POST; raise RequestRefused for an unsupported one."""
    kind = utf8_media_type(text)
    if kind not in {JSON, _GRAPHQL}:
        message = f"Send a POST with content type {JSON} or {_GRAPHQL}, in UTF-8."
        raise RequestRefused(message, 415, RequestCode.UNSUPPORTED_MEDIA_TYPE)
    return kind


def _as_json(body: bytes, request: Request) -> bytes:
    """Return a request whose body is the document in the form of a JSON request."""
    try:
        document = bytes(body).decode()
    except UnicodeDecodeError:
        raise RequestRefused("The body is not UTF-8.") from None
    return _encode({**_parts_of_query(request), "query": document})


def _parts_of_query(request: Request) -> dict[str, Any]:
    """Return the parameters of a GET. Empty ones count as omitted."""
    parts: dict[str, Any] = {k: v for k, v in request.query_params.items() if v}
    for name in ("variables", "extensions"):
        if name in parts:
            parts[name] = exact_json(parts[name].encode(), f"`{name}`")
    return parts
