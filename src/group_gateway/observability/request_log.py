"""Writes a line in the log and a record in the audit log for each request.

The log holds no ids: callers and documents are keyed digests. The audit log holds the ids of
groups and who asked, because that is its purpose.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from group_gateway.digests import DigestKeys
from group_gateway.observability.audit import AuditLog
from group_gateway.operation import AuditRecord, Caller, Principal

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


class RequestLog:
    """Tells of requests. `requests` are those that the log has a line for."""

    def __init__(
        self,
        keys: DigestKeys,
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

    @property
    def can_record(self) -> bool:
        """Whether a request that must be recorded can be recorded."""
        return self._audit is None or not self._required or self._audit.has_room

    def refuse(
        self, outcome: str, code: str, principal: Principal | None, correlation_id: str
    ) -> None:
        """Tell of a request that was not taken."""
        if self._audit is not None and not self._audit.has_room:
            self._audit.lose()
        elif self.tells_all:
            self.tell(outcome, principal, correlation_id, AuditRecord(codes=(code,)), 0.0)

    def tell(
        self,
        outcome: str,
        principal: Principal | None,
        correlation_id: str,
        audit_record: AuditRecord,
        seconds: float,
    ) -> None:
        """Record an answered request; `principal` is None where nobody looked who asks."""
        caller = principal.scope if isinstance(principal, Caller) else None
        if self._requests == "all" or (
            self._requests == "failed" and not _FAILURES.isdisjoint(audit_record.codes)
        ):
            facts: dict[str, Any] = {
                "outcome": outcome,
                "codes": audit_record.codes,
                "operation": audit_record.kind,
                "fields": audit_record.fields,
                "document": audit_record.document,
                "caller": caller,
                "seconds": round(seconds, 6),
                "correlationId": correlation_id,
            }
            if audit_record.events is not None:
                facts["events"] = audit_record.events
            _log.info("A request was answered.", extra=facts)
        self.record(outcome, principal, correlation_id, audit_record)

    def record(
        self,
        outcome: str,
        principal: Principal | None,
        correlation_id: str,
        audit_record: AuditRecord,
    ) -> None:
        """Tell the audit log alone."""
        caller = principal.scope if isinstance(principal, Caller) else None
        if self._audit is not None and (self._required or self._audit.has_room):
            identity = principal.identity if isinstance(principal, Caller) else None
            self._audit.append(_record(outcome, caller, identity, correlation_id, audit_record))
        elif self._audit is not None:
            self._audit.lose()


def _record(
    outcome: str,
    caller: str | None,
    identity: Mapping[str, str] | None,
    correlation_id: str,
    audit_record: AuditRecord,
) -> bytes:
    facts = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "caller": caller,
        "identity": identity,
        "operation": audit_record.kind,
        "fields": audit_record.fields,
        "read": sorted(audit_record.read),
        "written": sorted(audit_record.written),
        "attempted": sorted(audit_record.attempted - audit_record.written),
        "outcome": outcome,
        "codes": audit_record.codes,
        "correlationId": correlation_id,
    }
    return _encode(facts) + b"\n"
