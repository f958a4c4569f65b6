"""Errors in the form of the HL7 interface: each with a one-issue OperationOutcome, and a status."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
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
    RequestCode.BODY_TOO_DEEP: (400, "too-costly"),
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
"""By code: the status of a response without data, and FHIR's issue type."""
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
"""The status of a refused write, by FHIR's issue type."""
_REFUSALS: Final = frozenset({"BAD_USER_INPUT", "NOT_FOUND"})
_PASSED_ON: Final = frozenset({400, 404, 405, 410, 413, 422})
"""The upstream statuses that a refusal keeps."""
_UNOFFERED: Final = HTTPStatus.METHOD_NOT_ALLOWED


def outcome_of(issues: Iterable[Issue]) -> Outcome:
    """Return an OperationOutcome."""
    return {"resourceType": "OperationOutcome", "issue": [_shown_issue(i) for i in issues]}


def _shown_issue(issue: Issue) -> dict[str, Any]:
    text = issue.text or issue.diagnostics or ""
    return {
        "severity": issue.severity,
        "code": issue.code,
        "diagnostics": text,
        "details": {"text": text},
    }


def status_of(error: GraphQLError, shown: Mapping[str, Any]) -> int:
    """Return the HTTP status of an error, given its response form."""
    extensions = shown["extensions"]
    code, issue = extensions["code"], extensions["resource"]["issue"][0]["code"]
    status, usual = _KINDS.get(code, (HTTPStatus.BAD_REQUEST, "invalid"))
    said: int | None = getattr(cause_of(error), "status", None)
    if said == _UNOFFERED:
        return _UNOFFERED
    if code not in _REFUSALS:
        return status
    if said in _PASSED_ON:
        return said
    return status if issue == usual else _STATUS_OF_ISSUE.get(issue, status)


def shown_error(error: GraphQLError, default: str, operation: Operation) -> dict[str, Any]:
    """Return the response form of an error; `default` is the code of one about the request."""
    code, issue, more = _facts(error, default)
    shown: dict[str, Any] = {"message": issue.text}
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        shown["path"] = error.path
    operation.note_upstream_id(more.get("upstreamCorrelationId"))
    shown["extensions"] = extensions_of(code, issue, operation.correlation_id) | more
    return shown


def extensions_of(code: str, issue: Issue, correlation_id: str) -> dict[str, Any]:
    """Return the extensions of an error, with its one issue."""
    return {"code": code, "correlationId": correlation_id, "resource": outcome_of([issue])}


def issue_of(code: str, message: str) -> Issue:
    """Return the issue of an error of which only code and message are known."""
    return Issue("error", _KINDS.get(code, (0, "invalid"))[1], message)


def _facts(error: GraphQLError, default: str) -> tuple[str, Issue, dict[str, Any]]:
    """Return our code of an error, its issue, and further extensions."""
    cause = cause_of(error)
    if isinstance(cause, GatewayError):
        return cause.code, _issue(cause), _more(cause)
    code, message = _code_and_message(error, cause, default)
    return code, issue_of(code, message), {}


def _code_and_message(error: GraphQLError, cause: BaseException, default: str) -> tuple[str, str]:
    if isinstance(cause, NotAGroup):
        return "UPSTREAM_INVALID_RESPONSE", _BROKEN
    if error.path is None:
        return (error.extensions or {}).get("code", default), error.message
    if isinstance(cause, GraphQLError) and is_about_an_argument(cause):
        return "BAD_USER_INPUT", cause.message
    if isinstance(cause, GraphQLError | ValueError) and _is_about_a_value(cause):
        return "UPSTREAM_INVALID_RESPONSE", _BROKEN
    return "INTERNAL_SERVER_ERROR", unexpected(cause)


def _issue(cause: GatewayError) -> Issue:
    """Return the upstream's first issue of an error, or one for the gateway's own finding."""
    first = next((i for i in cause.issues if i.severity in {"error", "fatal"}), None)
    if first is not None:
        text = first.text or first.diagnostics or cause.message
        return Issue(first.severity, first.code, text)
    if cause.status == _UNOFFERED:
        return Issue("error", "not-supported", cause.message)
    found = issue_of(cause.code, cause.message)
    return found if cause.issue_code is None else replace(found, code=cause.issue_code)


def _more(cause: GatewayError) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if cause.correlation_id is not None:
        more["upstreamCorrelationId"] = cause.correlation_id
    if cause.retry_after is not None:
        more["retryAfter"] = cause.retry_after
    return more


def _is_about_a_value(error: Exception) -> bool:
    """Return whether a scalar refused an upstream's value: graphql-core's text may hold it."""
    return not isinstance(error, GraphQLError) or all(
        isinstance(node, FieldNode) for node in error.nodes or ()
    )
