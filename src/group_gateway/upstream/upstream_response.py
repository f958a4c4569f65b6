"""Status, headers and body of an upstream response → a value or an error. Pure.

The text of a 5xx never leaves this module: an upstream may put an exception's text there.
"""

import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import msgspec

from group_gateway.errors import (
    BadUserInput,
    Conflict,
    Forbidden,
    GatewayError,
    PreconditionFailed,
    RateLimited,
    Refused,
    Unauthenticated,
    UpstreamInvalidResponse,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from group_gateway.fhir.group_resource import UNREADABLE
from group_gateway.fhir.literal_reference import is_logical_id
from group_gateway.fhir.operation_outcome import Issue, parse_issues

CORRELATION_HEADERS = ("fumage-correlation-id", "x-correlation-id", "x-request-id")
"""The header that the upstream's support asks for, and the names of other servers."""


class UpstreamResponse(msgspec.Struct, frozen=True):
    """An upstream answer, read whole: lower-case header names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def correlation_id(self) -> str | None:
        """The upstream's own id of this exchange, when it sent one."""
        for name in CORRELATION_HEADERS:
            if value := self.headers.get(name):
                return value[:128]
        return None

    @property
    def breaks_by_offset(self) -> bool:
        """Whether the server is one whose own paging ends, or loses groups, at an `_offset`."""
        return "hapi" in self.headers.get("x-powered-by", "").lower()

    @property
    def etag(self) -> str | None:
        """The entity tag, as sent."""
        return self.headers.get("etag") or None

    @property
    def date(self) -> int | None:
        """The upstream's clock in whole epoch seconds."""
        return http_date(self.headers.get("date", ""))

    def invalid(self, reason: str) -> UpstreamInvalidResponse:
        """Return the error for an invalid response; `reason` holds no upstream text.

        An OperationOutcome with the status of success is a refusal: its issues are the caller's.
        """
        issues = parse_issues(decoded(self.body)) or ()
        return UpstreamInvalidResponse(reason, correlation_id=self.correlation_id, issues=issues)


@lru_cache(maxsize=64)  # all responses within a second have the same text
def http_date(text: str) -> int | None:
    """Parse an HTTP date to epoch seconds; return None for an invalid one.

    The obsolete form without a zone is in UTC too (RFC 9110, section 5.6.7), wherever this runs.
    """
    try:
        moment = parsedate_to_datetime(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def decoded(body: bytes) -> Any:
    """Decode JSON; return None when it is invalid (or `null`)."""
    try:
        return msgspec.json.decode(body)
    except UNREADABLE:
        return None


def is_json_or_empty(body: bytes) -> bool:
    """Return whether a body is valid as the response to a write."""
    return not body.strip() or body.strip() == b"null" or decoded(body) is not None


_ABSENT = frozenset({"not-found", "deleted"})
_NOT_FOUND, _GONE = HTTPStatus.NOT_FOUND.value, HTTPStatus.GONE.value
"""Numbers, because reading a member of an enum takes longer than the rest of `is_absent`."""


def is_absent(answer: UpstreamResponse) -> bool:
    """Return whether the response to a read says that the resource does not exist.

    410 does, and 404 with an OperationOutcome. A 404 without one comes from a wrong base URL.
    """
    if answer.status == _NOT_FOUND:
        return parse_issues(decoded(answer.body)) is not None
    return answer.status == _GONE


def denies_existence(answer: UpstreamResponse) -> bool:
    """Return whether a successful read brought no resource, but the issue that there is none."""
    codes = {issue.code for issue in parse_issues(decoded(answer.body)) or ()}
    return bool(codes) and codes <= _ABSENT


def created_id(answer: UpstreamResponse) -> str | None:
    """Return the id of a created resource, by either of the headers that name it."""
    places = (answer.headers.get(name, "") for name in ("location", "content-location"))
    return next((id for place in places if (id := _id_of_location(place))), None)


def _id_of_location(location: str) -> str | None:
    """Return the id that a `Location` names; its host and scheme are ignored.

    `/Group/<id>`, absolute or relative, with or without `/_history/<n>`, with a trailing slash.
    """
    path = location.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0]
    _, found, tail = path.rpartition("Group/")
    id = tail.split("/")[0]
    return id if found and is_logical_id(id) else None


_MENDABLE = {
    400: "invalid",
    404: "not-found",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    413: "too-long",
    422: "processing",
}
"""Errors that a writer can correct, each with the issue code for a response without an outcome."""

_CONFLICT = "conflict"
_OVERTAKEN = frozenset({409, 412})
_VAGUE = frozenset({400, 422})
"""Statuses of which only the issue code tells that they are about a concurrent change."""
_RULES = frozenset({"duplicate", "multiple-matches", "business-rule", "invariant", "value"})
"""Issue codes of a 409 that has another reason than a concurrent change."""
_UNDONE = frozenset({501, 505, 506, 507, 508, 510, 511})
"""The 5xx statuses which mean that a request was not carried out."""
_UNKNOWN = frozenset({408, 499})
"""Client errors that an intermediary may send for a request that was carried out."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WRONG_BASE = "its base URL may be wrong."
_FAILURES: dict[int, tuple[type[GatewayError], str]] = {
    400: (BadUserInput, "The upstream refused the request."),
    401: (Unauthenticated, "The upstream did not accept the credential."),
    403: (Forbidden, "The upstream does not allow this to the caller."),
    404: (UpstreamInvalidResponse, f"The upstream does not know this address (404): {_WRONG_BASE}"),
    405: (UpstreamInvalidResponse, "The upstream does not offer this interaction (status 405)."),
    408: (UpstreamTimeout, "The upstream did not get the request in time (status 408)."),
    409: (BadUserInput, "The upstream refused the request."),
    412: (BadUserInput, "The upstream refused the request."),
    413: (BadUserInput, "The upstream found the request too large."),
    422: (BadUserInput, "The upstream refused the request."),
    429: (RateLimited, "The upstream asks for fewer requests."),
    504: (UpstreamTimeout, "The upstream failed with status 504."),
}


def failure_of(answer: UpstreamResponse, *, writing: bool) -> GatewayError:
    """Return the error for a non-2xx response.

    A 4xx has the outcome's issues. The body of a 5xx is not read.
    """
    status = answer.status
    client_error = 400 <= status < 500  # noqa: PLR2004 - a class of status codes (RFC 9110, 15.5)
    issues = parse_issues(decoded(answer.body)) if client_error else None
    lost = status == HTTPStatus.NOT_FOUND and issues is None  # not FHIR: see is_absent
    if writing and status in _MENDABLE and not lost:
        return _refusal(answer, issues)
    kind, message = _FAILURES.get(status) or _unexpected(status)
    return _error(kind, message, answer, issues)


def deletion_unsupported(answer: UpstreamResponse) -> Refused:
    """Return the error for a server without DELETE, in the details of a 405."""
    client_error = answer.status == HTTPStatus.METHOD_NOT_ALLOWED
    reported = parse_issues(decoded(answer.body)) if client_error else None
    details = next((issue.text or issue.diagnostics for issue in reported or ()), None)
    text = "The upstream does not delete groups."
    issue = Issue("error", "not-supported", text, diagnostics=details)
    return Refused(text, correlation_id=answer.correlation_id, issues=(issue,), no_effect=True)


def _refusal(answer: UpstreamResponse, issues: tuple[Issue, ...] | None) -> GatewayError:
    if not issues:
        issues = (Issue("error", _MENDABLE[answer.status], "The upstream refused the change."),)
    issue_codes = {issue.code for issue in issues}
    overtaken = answer.status in _OVERTAKEN or (
        answer.status in _VAGUE and issue_codes == {_CONFLICT}
    )
    if overtaken and _RULES.isdisjoint(issue_codes):
        failed = answer.status == HTTPStatus.PRECONDITION_FAILED
        kind = PreconditionFailed if failed else Conflict
        return _error(kind, "The group was changed in the meantime.", answer, issues)
    return _error(Refused, "The upstream refused the change.", answer, issues)


def _unexpected(status: int) -> tuple[type[GatewayError], str]:
    if status >= 500:  # noqa: PLR2004 - see failure_of
        return UpstreamUnavailable, f"The upstream failed with status {status}."
    if status in _REDIRECTS:
        text = f"The upstream answered with a redirect, which is not followed: {_WRONG_BASE}"
        return UpstreamInvalidResponse, text
    return UpstreamInvalidResponse, f"The upstream answered with the unexpected status {status}."


def _error(
    kind: type[GatewayError],
    message: str,
    answer: UpstreamResponse,
    issues: tuple[Issue, ...] | None,
) -> GatewayError:
    error = kind(
        message,
        correlation_id=answer.correlation_id,
        issues=issues or (),
        retry_after=retry_after(answer),
        no_effect=_has_no_effect(answer.status, issues),
    )
    error.status = answer.status
    return error


def _has_no_effect(status: int, issues: tuple[Issue, ...] | None) -> bool:
    """Return whether an answer says that the request was not carried out (RFC 9110, section 15).

    A redirect does not, nor does a 404 that is not FHIR's: both may come from a proxy, after the
    request was carried out.
    """
    if status == HTTPStatus.NOT_FOUND and not issues:
        return False
    return status in _UNDONE or (status in range(400, 500) and status not in _UNKNOWN)


_LONGEST_WAIT = 86_400.0


def retry_after(answer: UpstreamResponse) -> float | None:
    """Return the seconds of `Retry-After`, a day at most.

    The date form counts from the response's own `Date`, if it has one.
    """
    text = answer.headers.get("retry-after", "")
    if text.isdecimal():
        return min(float(text), _LONGEST_WAIT)
    moment = http_date(text)
    if moment is None:
        return None
    now = time.time() if answer.date is None else answer.date
    return min(max(0.0, float(moment - now)), _LONGEST_WAIT)
