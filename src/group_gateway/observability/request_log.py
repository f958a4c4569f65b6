"""What is said of each request: a line in the log, and a record in the audit log. For `endpoint`.

The log has no id of anybody's: callers and documents are keyed digests. The audit log has the ids
of groups, and who asked, because that is what it is for.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from group_gateway.cache.keys import KeyRing
from group_gateway.errors import RequestCode
from group_gateway.operation import Asker, Caller, Trail
from group_gateway.web.audit import AuditLog
from group_gateway.web.wire import RequestRefused

Requests = Literal["none", "failed", "all"]
_FAILURES: Final = frozenset(
    {
        "INTERNAL_SERVER_ERROR",
        "RATE_LIMITED",
        "UPSTREAM_INVALID_RESPONSE",
        "UPSTREAM_TIMEOUT",
        "UPSTREAM_UNAVAILABLE",
    }
)
"""Codes of what is not the client's doing."""
_encode = msgspec.json.Encoder().encode
_log = logging.getLogger(__name__)


class Journal:
    """Tells of requests. `requests` are those that the log has a line for."""

    def __init__(
        self,
        keys: KeyRing,
        requests: Requests = "none",
        audit: AuditLog | None = None,
        *,
        required: bool = True,
    ) -> None:
        self._keys = keys
        self._requests = requests
        self._audit = audit
        self._required = required
        self.tells_all = requests == "all" or audit is not None
        """Whether there is anything to tell of a request that went well."""

    @property
    def is_failing(self) -> bool:
        """Whether the audit log can't be written."""
        return self._audit is not None and self._audit.is_failing

    def digest(self, query: str) -> str:
        """Give what stands for a document."""
        return self._keys.digest("document", query)

    def check(self) -> None:
        """Refuse a request that could not be recorded; raises RequestRefused."""
        if self._audit is not None and self._required and not self._audit.has_room:
            message = "The audit log can't be written, so nothing is answered."
            raise RequestRefused(message, 503, RequestCode.AUDIT_UNAVAILABLE, retry_after=5)

    def refuse(self, outcome: str, code: str, asker: Asker | None, correlation_id: str) -> None:
        """Tell of a request that was not taken."""
        if self._audit is not None and not self._audit.has_room:
            self._audit.lose()
        elif self.tells_all:
            self.tell(outcome, asker, correlation_id, Trail(codes=(code,)), 0.0)

    def tell(
        self, outcome: str, asker: Asker | None, correlation_id: str, trail: Trail, seconds: float
    ) -> None:
        """Tell of a request that has its answer; `asker` is None where nobody looked who asks."""
        caller = asker.scope if isinstance(asker, Caller) else None
        if self._requests == "all" or (
            self._requests == "failed" and not _FAILURES.isdisjoint(trail.codes)
        ):
            facts: dict[str, Any] = {
                "outcome": outcome,
                "codes": trail.codes,
                "operation": trail.kind,
                "fields": trail.fields,
                "document": trail.document,
                "caller": caller,
                "seconds": round(seconds, 6),
                "correlationId": correlation_id,
            }
            if trail.events is not None:
                facts["events"] = trail.events
            _log.info("A request was answered.", extra=facts)
        self.record(outcome, asker, correlation_id, trail)

    def record(self, outcome: str, asker: Asker | None, correlation_id: str, trail: Trail) -> None:
        """Tell the audit log alone."""
        caller = asker.scope if isinstance(asker, Caller) else None
        if self._audit is not None and (self._required or self._audit.has_room):
            identity = asker.identity if isinstance(asker, Caller) else None
            self._audit.append(_record(outcome, caller, identity, correlation_id, trail))
        elif self._audit is not None:
            self._audit.lose()


def _record(
    outcome: str,
    caller: str | None,
    identity: Mapping[str, str] | None,
    correlation_id: str,
    trail: Trail,
) -> bytes:
    facts = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "caller": caller,
        "identity": identity,
        "operation": trail.kind,
        "fields": trail.fields,
        "read": sorted(trail.read),
        "written": sorted(trail.written),
        "attempted": sorted(trail.attempted - trail.written),
        "outcome": outcome,
        "codes": trail.codes,
        "correlationId": correlation_id,
    }
    return _encode(facts) + b"\n"
