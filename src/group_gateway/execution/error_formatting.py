"""Errors as a caller sees them: the border between the gateway's errors and GraphQL's.

A message reaches the caller only if it was written for callers: the gateway's own, and
graphql-core's about the request itself. Anything else is a bug of the gateway. It is logged by its
type and place, because its text may hold patient data.
"""

import logging
import traceback
from typing import Any

from graphql import FieldNode, GraphQLError

from group_gateway.errors import GatewayError, UpstreamInvalidResponse
from group_gateway.fhir.group_resource import NotAGroup
from group_gateway.fhir.operation_outcome import Issue
from group_gateway.operation import Operation

_UNREADABLE = "The upstream sent a group that can't be read."
_UNEXPECTED = "Something went wrong inside the gateway."
_log = logging.getLogger(__name__)


def formatted_error(error: GraphQLError, default: str, operation: Operation) -> dict[str, Any]:
    """Return the response form of an error (GraphQL specification, section 7.1.2).

    `default` is the code of an error that is about the request as a whole.
    """
    message, extensions = _facts(error, default)
    extensions["correlationId"] = operation.correlation_id
    operation.note_upstream_id(extensions.get("upstreamCorrelationId"))
    shown: dict[str, Any] = {"message": message}
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        shown["path"] = error.path
    shown["extensions"] = extensions
    return shown


def _facts(error: GraphQLError, default: str) -> tuple[str, dict[str, Any]]:
    cause = cause_of(error)
    if isinstance(cause, NotAGroup):
        cause = UpstreamInvalidResponse(_UNREADABLE)
    if isinstance(cause, GatewayError):
        return cause.message, _extensions(cause)
    if error.path is None:
        return error.message, {"code": (error.extensions or {}).get("code", default)}
    if isinstance(cause, GraphQLError) and is_about_an_argument(cause):
        return cause.message, {"code": "BAD_USER_INPUT"}
    return unexpected(cause), {"code": "INTERNAL_SERVER_ERROR"}


def unexpected(cause: BaseException) -> str:
    """Log a bug of the gateway by its type and place, and return the caller's message."""
    _log.error("Unexpected %s at %s.", type(cause).__qualname__, _place(cause))
    return _UNEXPECTED


def cause_of(error: GraphQLError) -> BaseException:
    """Return the exception that caused an error."""
    cause: BaseException = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def is_about_an_argument(error: GraphQLError) -> bool:
    """Return whether an argument's value could not be coerced, such as null from a variable.

    graphql-core then names the value's node; its errors about results name a field.
    """
    return bool(error.nodes) and not any(isinstance(node, FieldNode) for node in error.nodes or ())


def _place(cause: BaseException) -> str:
    frames = traceback.extract_tb(cause.__traceback__)
    return f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "an unknown place"


def _extensions(cause: GatewayError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": cause.code}
    if cause.correlation_id is not None:
        extensions["upstreamCorrelationId"] = cause.correlation_id
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
        shown["details"] = _details(issue)
    if issue.diagnostics:
        shown["diagnostics"] = issue.diagnostics
    if issue.expression:
        shown["expression"] = list(issue.expression)
    return shown


def _details(issue: Issue) -> dict[str, Any]:
    coding = {"coding": list(issue.coding)} if issue.coding else {}
    return coding | ({"text": issue.text} if issue.text else {})
