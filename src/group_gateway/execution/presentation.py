"""What a caller is told of an error: the border between our errors and GraphQL's.

A message reaches the caller only if it was written for callers. graphql-core puts values into
its messages about what the upstream sent; these are replaced, because they may be patient data.
"""

from typing import Any

from graphql import GraphQLError

from group_gateway.errors import GatewayError
from group_gateway.fhir.outcome import Issue
from group_gateway.operation import Operation

_BROKEN = "The upstream sent a value here that is not what FHIR says."
_UNEXPECTED = "Something went wrong inside the gateway."


def present(error: GraphQLError, default: str, operation: Operation) -> dict[str, Any]:
    """Give the response form of an error (GraphQL specification, section 7.1.2).

    `default` is the code of an error that is about the request as a whole.
    """
    message, extensions = _facts(error, default)
    extensions.setdefault("correlationId", operation.correlation_id)
    shown: dict[str, Any] = {"message": message}
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        shown["path"] = error.path
    shown["extensions"] = extensions
    return shown


def _facts(error: GraphQLError, default: str) -> tuple[str, dict[str, Any]]:
    cause = _cause(error)
    if isinstance(cause, GatewayError):
        return cause.message, _extensions(cause)
    if error.path is None:
        return error.message, {"code": default}
    if cause is None or isinstance(cause, TypeError | GraphQLError):
        # Completion of a value failed: a leaf that does not serialize, a list or object that is
        # none, null in a place that can't be.
        return _BROKEN, {"code": "UPSTREAM_INVALID_RESPONSE"}
    return _UNEXPECTED, {"code": "INTERNAL_SERVER_ERROR"}


def _cause(error: GraphQLError) -> BaseException | None:
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _extensions(cause: GatewayError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": cause.code}
    if cause.correlation_id is not None:
        extensions["correlationId"] = cause.correlation_id
    if cause.issues:
        extensions["operationOutcome"] = {
            "resourceType": "OperationOutcome",
            "issue": [_issue(issue) for issue in cause.issues],
        }
    if cause.retry_after is not None:
        extensions["retryAfter"] = cause.retry_after
    return extensions


def _issue(issue: Issue) -> dict[str, Any]:
    shown: dict[str, Any] = {"severity": issue.severity, "code": issue.code}
    if issue.text or issue.coding:
        shown["details"] = {"text": issue.text} if issue.text else {"coding": list(issue.coding)}
    if issue.diagnostics:
        shown["diagnostics"] = issue.diagnostics
    if issue.expression:
        shown["expression"] = list(issue.expression)
    return shown
