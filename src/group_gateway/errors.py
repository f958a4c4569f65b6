"""The failures of the gateway, one small class per stable code.

    GatewayError
    ├── Unauthenticated           no credential, or the upstream did not accept it
    ├── Forbidden                 the caller is known and lacks the permission
    ├── NotFound                  there is no such resource, for this caller
    │   └── Gone                  it was deleted
    ├── BadUserInput              the caller can put the request right
    │   ├── TooManyGroups         more match than one list may hold
    │   └── Refused               a write was refused: 400, 409, 412, 422, our own checks
    │       └── Conflict          somebody else changed the resource first
    │           └── PreconditionFailed  412
    ├── UpstreamUnavailable       refused connection, reset, 5xx
    │   ├── UpstreamTimeout       no response in time
    │   └── UpstreamNotAsked      no connection, or an open circuit breaker: nothing was sent
    ├── UpstreamInvalidResponse   the response is not valid FHIR
    ├── UpstreamSearchUnsupported the upstream can't search by what was asked
    ├── TooManyUpstreamCalls      the operation used up its budget
    ├── RateLimited               the upstream responded with 429
    └── Overloaded                the gateway itself has no capacity

Messages are written for the caller. They hold no upstream body, no credential and no patient data.
"""

from enum import StrEnum
from typing import ClassVar

from group_gateway.fhir.operation_outcome import Issue


class RequestCode(StrEnum):
    """The codes of requests that are refused before they run; the failures below have others."""

    BAD_REQUEST = "BAD_REQUEST"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    BODY_TOO_DEEP = "BODY_TOO_DEEP"
    AUDIT_UNAVAILABLE = "AUDIT_UNAVAILABLE"
    BATCHING_DISABLED = "BATCHING_DISABLED"
    BATCH_TOO_LARGE = "BATCH_TOO_LARGE"
    CROSS_SITE_REQUEST = "CROSS_SITE_REQUEST"
    HEADERS_TOO_LARGE = "HEADERS_TOO_LARGE"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    PERSISTED_QUERY_HASH_MISMATCH = "PERSISTED_QUERY_HASH_MISMATCH"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    SUBSCRIPTIONS_DISABLED = "SUBSCRIPTIONS_DISABLED"
    TOO_MANY_SUBSCRIPTIONS = "TOO_MANY_SUBSCRIPTIONS"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    UNTRUSTED_DOCUMENT = "UNTRUSTED_DOCUMENT"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    QUERY_TOO_LARGE = "QUERY_TOO_LARGE"
    QUERY_TOO_DEEP = "QUERY_TOO_DEEP"
    TOO_MANY_FIELDS = "TOO_MANY_FIELDS"
    TOO_MANY_ALIASES = "TOO_MANY_ALIASES"
    TOO_MANY_DIRECTIVES = "TOO_MANY_DIRECTIVES"


class GatewayError(Exception):
    """A failure with a stable `code`, which reaches the caller as `extensions.code`.

    `correlation_id` is the upstream's own, when it sent one; `issues` are the OperationOutcome
    issues of a 4xx; `retry_after` is in seconds; `status` is the upstream's. `no_effect`: the
    upstream certainly did not execute the request.
    """

    code: ClassVar[str] = "INTERNAL_SERVER_ERROR"
    issue_code: ClassVar[str | None] = None
    """FHIR's issue type, where `code` alone does not determine it."""
    no_effect = False
    status: int | None = None

    def __init__(
        self,
        message: str,
        *,
        correlation_id: str | None = None,
        issues: tuple[Issue, ...] = (),
        retry_after: float | None = None,
        no_effect: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.correlation_id = correlation_id
        self.issues = issues
        self.retry_after = retry_after
        if no_effect is not None:
            self.no_effect = no_effect


class Unauthenticated(GatewayError):
    """There is no credential, or the upstream did not accept it.

    `was_accepted`: it accepted the credential before.
    """

    code = "UNAUTHENTICATED"
    was_accepted = False


class Forbidden(GatewayError):
    """The caller is known and has no permission for the interaction."""

    code = "FORBIDDEN"


class NotFound(GatewayError):
    """There is no such resource, or none that the caller may see."""

    code = "NOT_FOUND"


class Gone(NotFound):
    """The resource was deleted."""

    issue_code = "deleted"


class BadUserInput(GatewayError):
    """The request is invalid; the caller can correct it."""

    code = "BAD_USER_INPUT"


class TooManyGroups(BadUserInput):
    """More groups match than one list may hold."""

    issue_code = "too-costly"


class Refused(BadUserInput):
    """A write was refused with issues that the caller can correct."""


class Conflict(Refused):
    """The resource has changed since the caller read it."""

    code = "CONFLICT"


class PreconditionFailed(Conflict):
    """The precondition of a write did not hold at the upstream (412)."""


class UpstreamUnavailable(GatewayError):
    """The upstream could not be reached, closed the connection, or responded with a 5xx."""

    code = "UPSTREAM_UNAVAILABLE"


class UpstreamTimeout(UpstreamUnavailable):
    """The upstream did not respond in time."""

    code = "UPSTREAM_TIMEOUT"


class UpstreamNotAsked(UpstreamUnavailable):
    """Nothing was sent: no connection could be opened, or the circuit breaker is open."""

    no_effect = True


class UpstreamInvalidResponse(GatewayError):
    """The upstream's response is not valid FHIR."""

    code = "UPSTREAM_INVALID_RESPONSE"


class UpstreamSearchUnsupported(GatewayError):
    """The upstream does not support a search, and a bounded scan can't replace it."""

    code = "UPSTREAM_SEARCH_UNSUPPORTED"


class TooManyUpstreamCalls(GatewayError):
    """The operation needs more upstream calls than its budget."""

    code = "TOO_MANY_UPSTREAM_CALLS"


class RateLimited(GatewayError):
    """The upstream responded with 429."""

    code = "RATE_LIMITED"


class Overloaded(GatewayError):
    """The gateway has no capacity for the request."""

    code = "OVERLOADED"
