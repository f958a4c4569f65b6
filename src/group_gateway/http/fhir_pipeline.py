"""The request pipeline of the HL7 interface: the same stages, with HL7's response format.

The second part of a key names the instance (`Patient/1`); it is empty for the server.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from http import HTTPStatus
from math import ceil
from typing import Any, Final

import msgspec

from group_gateway.execution.graphql_request import GraphQLRequest
from group_gateway.execution.operation_result import OperationResult
from group_gateway.execution.response_cache import RequestKey
from group_gateway.fhir_graphql.fhir_engine import FhirRequest, FhirResult
from group_gateway.fhir_graphql.outcome_errors import extensions_of, issue_of
from group_gateway.http.negotiation import JSON
from group_gateway.http.pipeline import RequestPipeline
from group_gateway.http.requests import RequestRefused, decoded_json, request_of
from group_gateway.http.responses import Reply, new_reply
from group_gateway.operation import AuditRecord, RequestContext

_LATER: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder().encode


class FhirPipeline(RequestPipeline):
    """Answer authenticated requests in HL7's form."""

    def request(self, key: RequestKey) -> GraphQLRequest:
        """Return the GraphQL request that a key holds; raise RequestRefused."""
        parts = exact_json(key[2], "The body")
        if not isinstance(parts, dict):
            raise RequestRefused("The body is not a JSON object.")
        return fhir_request(parts, key[1])

    def formatted(
        self,
        answer: OperationResult,
        media_type: str,  # noqa: ARG002 - always JSON
        extensions: dict[str, Any],
        audit_record: AuditRecord | None,
    ) -> Reply:
        """Return the response to a request that was understood."""
        status = answer.status if isinstance(answer, FhirResult) else HTTPStatus.OK
        body, complete = answer.body(extensions), answer.is_complete
        reply = new_reply(status, JSON, body, is_complete=complete, audit_record=audit_record)
        return reply if complete else _with_advice(reply, answer.errors)

    def refusal(
        self,
        refused: RequestRefused,
        media_type: str | None,  # noqa: ARG002 - always JSON
        context: RequestContext,
    ) -> Reply:
        """Return the response to a refused request, and report it."""
        plain = super().refusal(refused, JSON, context)
        id = context.correlation_id.decode()
        issue = issue_of(refused.code, refused.message)
        extensions = extensions_of(refused.code, issue, id)
        if refused.retry_after is not None:
            extensions["retryAfter"] = refused.retry_after
        error = {"message": refused.message, "extensions": extensions}
        reply = new_reply(refused.status, JSON, _encode({"errors": [error]}))
        taken = dict(reply.headers)
        return Reply(
            reply.status,
            [*reply.headers, *(h for h in plain.headers if h[0] not in taken)],
            reply.body,
        )


def _with_advice(reply: Reply, errors: Sequence[Mapping[str, Any]]) -> Reply:
    """Return a response with the headers that its status needs: `WWW-Authenticate`, `Retry-After`.

    See RFC 9110, sections 11.6.1 and 10.2.3.
    """
    if reply.status == HTTPStatus.UNAUTHORIZED:
        reply.headers.append((b"www-authenticate", b"Bearer"))
    seconds = [e["extensions"]["retryAfter"] for e in errors if "retryAfter" in e["extensions"]]
    if reply.status in _LATER and seconds:
        reply.headers.append((b"retry-after", b"%d" % ceil(max(seconds))))
    return reply


def fhir_request(parts: dict[str, Any], instance: str) -> FhirRequest:
    """Check the types of a request's parts; raise RequestRefused."""
    request = request_of(parts)
    type, _, id = instance.partition("/")
    return FhirRequest(
        request.query,
        request.operation_name,
        request.variables,
        request.wants_cost,
        request.document_id,
        instance=(type, id) if instance else None,
    )


def exact_json(text: bytes, what: str) -> Any:
    """Decode JSON so that decimals keep their digits; raise RequestRefused."""
    return decoded_json(text, what, _decode)
