"""Status, headers and body of an upstream answer → a value or an error. Pure; used by `client`.

A 5xx's text never leaves this module: an upstream may put an exception's text there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import msgspec

from group_gateway.errors import (
    BadUserInput,
    Conflict,
    Forbidden,
    GatewayError,
    RateLimited,
    Refused,
    Unauthenticated,
    UpstreamInvalidResponse,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from group_gateway.fhir.outcome import Issue, parse_issues

CORRELATION_HEADER = "fumage-correlation-id"
"""The header that the upstream's support asks for (also sent by others as `x-correlation-id`)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An upstream answer, read whole: lower-case header names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def correlation_id(self) -> str | None:
        """The upstream's own id of this exchange, when it sent one."""
        for name in (CORRELATION_HEADER, "x-correlation-id", "x-request-id"):
            if value := self.headers.get(name):
                return value[:128]
        return None

    @property
    def etag(self) -> str | None:
        """The entity tag, as sent."""
        return self.headers.get("etag") or None

    @property
    def date(self) -> int | None:
        """The upstream's clock in whole seconds since the epoch."""
        return _epoch(self.headers.get("date", ""))

    def invalid(self, reason: str) -> UpstreamInvalidResponse:
        """Give the error for an answer that makes no sense; `reason` holds no upstream text."""
        return UpstreamInvalidResponse(reason, correlation_id=self.correlation_id)


@lru_cache(maxsize=64)  # the same text comes with every answer of a second
def _epoch(text: str) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError):
        return None


def decoded(body: bytes) -> Any:
    """Decode JSON; None when it is none (or `null`)."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def is_absent(answer: Answer) -> bool:
    """Tell whether the answer says that the resource does not exist.

    404 and 410 with an OperationOutcome do; a 404 without one comes from a wrong base URL.
    """
    return answer.status in {404, 410} and parse_issues(decoded(answer.body)) is not None


def failure_of(answer: Answer, *, writing: bool) -> GatewayError:
    """Give the error that a non-2xx answer stands for."""
    issues = parse_issues(decoded(answer.body))
    if answer.status in _MENDABLE:
        return _mendable(answer, issues, writing=writing)
    build = _FAILURES.get(answer.status, _other_failure)
    return build(answer, issues or ())


_MENDABLE = {400: "invalid", 409: "conflict", 412: "conflict", 413: "too-long", 422: "processing"}


def _mendable(answer: Answer, issues: tuple[Issue, ...] | None, *, writing: bool) -> GatewayError:
    if issues is None or not issues:
        issues = (Issue("error", _MENDABLE[answer.status], "The upstream refused the request."),)
    known: dict[str, Any] = {"correlation_id": answer.correlation_id, "issues": issues}
    if not writing:
        return BadUserInput("The upstream refused the request.", **known)
    if answer.status in {409, 412}:
        return Conflict("The group was changed in the meantime.", **known)
    return Refused("The upstream refused the change.", **known)


def _unauthenticated(answer: Answer, issues: tuple[Issue, ...]) -> GatewayError:
    return Unauthenticated(
        "The upstream did not accept the credential.",
        correlation_id=answer.correlation_id,
        issues=issues,
    )


def _forbidden(answer: Answer, issues: tuple[Issue, ...]) -> GatewayError:
    return Forbidden(
        "The upstream does not allow this to the caller.",
        correlation_id=answer.correlation_id,
        issues=issues,
    )


def _rate_limited(answer: Answer, _: tuple[Issue, ...]) -> GatewayError:
    return RateLimited(
        "The upstream asks for fewer requests.",
        correlation_id=answer.correlation_id,
        retry_after=retry_after(answer),
    )


def _not_found(answer: Answer, issues: tuple[Issue, ...]) -> GatewayError:
    if issues:
        return Refused(
            "There is no such group.", correlation_id=answer.correlation_id, issues=issues
        )
    return answer.invalid(
        "The upstream answered 404 without a FHIR outcome: its base URL may be wrong."
    )


def _other_failure(answer: Answer, _: tuple[Issue, ...]) -> GatewayError:
    if answer.status >= 500:  # noqa: PLR2004 - the class of status codes (RFC 9110, 15.6)
        kind = UpstreamTimeout if answer.status in {504, 408} else UpstreamUnavailable
        return kind(
            f"The upstream failed with status {answer.status}.",
            correlation_id=answer.correlation_id,
            retry_after=retry_after(answer),
        )
    return answer.invalid(f"The upstream answered with the unexpected status {answer.status}.")


_FAILURES = {
    401: _unauthenticated,
    403: _forbidden,
    404: _not_found,
    410: _not_found,
    429: _rate_limited,
}


def retry_after(answer: Answer) -> float | None:
    """Give the seconds of `Retry-After`; the date form counts from the answer's own `Date`."""
    text = answer.headers.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    moment = _epoch(text)
    if moment is None or answer.date is None:
        return None
    return max(0.0, float(moment - answer.date))
