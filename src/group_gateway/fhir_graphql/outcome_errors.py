"""Errors as HL7's interface shows them: an OperationOutcome of one issue each, and a status."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from graphql import FieldNode, GraphQLError

from group_gateway.errors import GatewayError, RequestCode
from group_gateway.execution.error_formatting import cause_of, is_about_an_argument, unexpected
from group_gateway.fhir.group_resource import NotAGroup
from group_gateway.fhir.operation_outcome import Issue
from group_gateway.operation import Operation

Outcome = dict[str, Any]
_BROKEN: Final = "The upstream sent a value that is not as FHIR says."
_UNAVAILABLE: Final = (502, "transient")
_KINDS: Final[Mapping[str, tuple[int, str]]] = {
    "UNAUTHENTICATED": (401, "login"),
    "FORBIDDEN": (403, "forbidden"),
    "NOT_FOUND": (404, "not-found"),
    "CONFLICT": (412, "conflict"),
    "BAD_USER_INPUT": (400, "invalid"),
    "UPSTREAM_UNAVAILABLE": _UNAVAILABLE,
    "UPSTREAM_TIMEOUT": (504, "timeout"),
    "UPSTREAM_INVALID_RESPONSE": (502, "exception"),
    "UPSTREAM_SEARCH_UNSUPPORTED": (400, "not-supported"),
    "TOO_MANY_UPSTREAM_CALLS": (400, "too-costly"),
    "RATE_LIMITED": (429, "throttled"),
    "OVERLOADED": (503, "throttled"),
    "INTERNAL_SERVER_ERROR": (500, "exception"),
    RequestCode.AUDIT_UNAVAILABLE: (503, "transient"),
    RequestCode.BODY_TOO_LARGE: (413, "too-long"),
    RequestCode.CROSS_SITE_REQUEST: (403, "security"),
    RequestCode.METHOD_NOT_ALLOWED: (405, "not-supported"),
    RequestCode.UNSUPPORTED_MEDIA_TYPE: (415, "not-supported"),
    RequestCode.UNTRUSTED_DOCUMENT: (403, "forbidden"),
    RequestCode.QUERY_TOO_LARGE: (400, "too-costly"),
    RequestCode.QUERY_TOO_DEEP: (400, "too-costly"),
    RequestCode.TOO_MANY_FIELDS: (400, "too-costly"),
    RequestCode.TOO_MANY_ALIASES: (400, "too-costly"),
    RequestCode.TOO_MANY_DIRECTIVES: (400, "too-costly"),
}
"""By code: the status of an answer that has no data, and FHIR's kind of issue."""
_STATUS_OF_ISSUE: Final[Mapping[str, int]] = {
    "not-found": 404,
    "deleted": 410,
    "conflict": 412,
    "not-supported": 405,
    "business-rule": 422,
    "duplicate": 422,
    "invariant": 422,
    "processing": 422,
    "code-invalid": 422,
    "too-long": 413,
    "forbidden": 403,
    "login": 401,
}
"""The status of a refused write, by FHIR's kind of issue."""
_REFUSALS: Final = frozenset({"BAD_USER_INPUT", "NOT_FOUND"})


def outcome_of(issues: Iterable[Issue]) -> Outcome:
    """Return an OperationOutcome."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]}


def _issue(issue: Issue) -> dict[str, Any]:
    text = issue.text or issue.diagnostics or ""
    return {
        "severity": issue.severity,
        "code": issue.code,
        "diagnostics": text,
        "details": {"text": text},
    }


def status_of(error: Mapping[str, Any]) -> int:
    """Return the HTTP status that a shown error stands for."""
    extensions = error["extensions"]
    code, issue = extensions["code"], extensions["resource"]["issue"][0]["code"]
    status, usual = _KINDS.get(code, (HTTPStatus.BAD_REQUEST, "invalid"))
    if issue == usual or code not in _REFUSALS:
        return status
    return _STATUS_OF_ISSUE.get(issue, status)


def shown_error(error: GraphQLError, default: str, operation: Operation) -> dict[str, Any]:
    """Return the response form of an error; `default` is the code of one about the request."""
    message, code, issue, more = _facts(error, default)
    shown: dict[str, Any] = {"message": message}
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        shown["path"] = error.path
    operation.note_upstream_id(more.get("upstreamCorrelationId"))
    shown["extensions"] = extensions_of(message, code, issue, operation.correlation_id) | more
    return shown


def extensions_of(
    message: str, code: str, issue: str | None, correlation_id: str
) -> dict[str, Any]:
    """Return the extensions of an error, with its one issue."""
    kind = issue or _KINDS.get(code, (0, "invalid"))[1]
    outcome = outcome_of([Issue("error", kind, message)])
    return {"code": code, "correlationId": correlation_id, "resource": outcome}


def _facts(error: GraphQLError, default: str) -> tuple[str, str, str | None, dict[str, Any]]:
    """Return the message, our code, FHIR's kind of issue if it is a special one, and the rest."""
    cause = cause_of(error)
    if isinstance(cause, NotAGroup):
        return _BROKEN, "UPSTREAM_INVALID_RESPONSE", None, {}
    if isinstance(cause, GatewayError):
        return _of_gateway(cause)
    if error.path is None:
        code = (error.extensions or {}).get("code", default)
        return error.message, code, None, {}
    if isinstance(cause, GraphQLError) and is_about_an_argument(cause):
        return cause.message, "BAD_USER_INPUT", None, {}
    if isinstance(cause, GraphQLError | ValueError) and _is_about_a_value(cause):
        return _BROKEN, "UPSTREAM_INVALID_RESPONSE", None, {}
    return unexpected(cause), "INTERNAL_SERVER_ERROR", None, {}


def _of_gateway(cause: GatewayError) -> tuple[str, str, str | None, dict[str, Any]]:
    more: dict[str, Any] = {}
    if cause.correlation_id is not None:
        more["upstreamCorrelationId"] = cause.correlation_id
    if cause.retry_after is not None:
        more["retryAfter"] = cause.retry_after
    first = next((i for i in cause.issues if i.severity in {"error", "fatal"}), None)
    if first is None:
        return cause.message, cause.code, cause.issue_code, more
    return first.text or first.diagnostics or cause.message, cause.code, first.code, more


def _is_about_a_value(error: Exception) -> bool:
    """Return whether a scalar refused an upstream's value: graphql-core's text may hold it."""
    return not isinstance(error, GraphQLError) or all(
        isinstance(node, FieldNode) for node in error.nodes or ()
    )
