"""The request log and the audit log: a line and a record for each request.

The log holds no ids of groups: callers and documents are keyed digests. It names the operation and
the client software, bounded and escaped. The audit log holds the ids of groups and the caller,
because that is its purpose.
"""

import logging
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from group_gateway.digests import DigestKeys
from group_gateway.events import RequestRecorder
from group_gateway.log_text import log_text
from group_gateway.observability.audit import AuditLog
from group_gateway.operation import AuditRecord, Caller, RequestContext

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
"""Codes of errors that are not the client's."""
_LONGEST_ID: Final = 128
_encode = msgspec.json.Encoder().encode
_log = logging.getLogger(__name__)


class RequestLog(RequestRecorder):
    """Log and audit requests. `requests` are those that have a line in the log."""

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
        self.is_required = required
        """Whether requests are refused that can't be recorded."""
        self.records_all = requests == "all" or audit is not None
        """Whether successful requests are logged or audited."""

    @property
    def is_failing(self) -> bool:
        """Whether the audit log can't be written."""
        return self._audit is not None and self._audit.is_failing

    def digest(self, query: str) -> str:
        """Return the keyed digest of a document."""
        return self._keys.digest("document", query)

    @property
    def can_record(self) -> bool:
        """Whether the audit log can take another record, where one is required."""
        return self._audit is None or not self.is_required or self._audit.has_room

    def refused(self, outcome: str, code: str, context: RequestContext) -> None:
        """Record a request that was refused."""
        if self._audit is not None and not self._audit.has_room:
            self._audit.lose()
        elif self.records_all:
            self.answered(outcome, context, AuditRecord(codes=(code,)), 0.0)

    def answered(
        self, outcome: str, context: RequestContext, audit_record: AuditRecord, seconds: float
    ) -> None:
        """Record a request that has been answered."""
        if self._requests == "all" or (
            self._requests == "failed" and not _FAILURES.isdisjoint(audit_record.codes)
        ):
            facts: dict[str, Any] = {
                "outcome": outcome,
                "codes": audit_record.codes,
                "operation": audit_record.kind,
                "fields": audit_record.fields,
                "document": audit_record.document,
                "caller": _scope(context),
                "seconds": round(seconds, 6),
                **_names(context, audit_record),
            }
            if audit_record.events is not None:
                facts["events"] = audit_record.events
            _log.info("A request was answered.", extra=facts)
        self._record(outcome, context, audit_record)

    def event_sent(self, context: RequestContext, audit_record: AuditRecord) -> None:
        """Record an event of a subscription, in the audit log only."""
        self._record("event", context, audit_record)

    def _record(self, outcome: str, context: RequestContext, audit_record: AuditRecord) -> None:
        """Record a request in the audit log only."""
        if self._audit is not None and (self.is_required or self._audit.has_room):
            self._audit.append(_record(outcome, context, audit_record))
        elif self._audit is not None:
            self._audit.lose()


def _scope(context: RequestContext) -> str | None:
    return context.principal.scope if isinstance(context.principal, Caller) else None


def _names(context: RequestContext, audit_record: AuditRecord) -> dict[str, str]:
    """Return the ids of a request here and elsewhere, as far as it has any."""
    upstream_ids = [log_text(id, _LONGEST_ID) for id in audit_record.upstream_ids]
    names = {
        "operationName": audit_record.operation_name,
        "clientName": context.client.name,
        "clientVersion": context.client.version,
        "requestId": context.client.request_id,
        "upstreamCorrelationId": " ".join(upstream_ids),
    }
    known = {name: value for name, value in names.items() if value}
    return {"correlationId": context.correlation_id.decode(), **known}


def _record(outcome: str, context: RequestContext, audit_record: AuditRecord) -> bytes:
    caller = context.principal
    facts = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "caller": _scope(context),
        "identity": caller.identity if isinstance(caller, Caller) else None,
        "operation": audit_record.kind,
        "fields": audit_record.fields,
        "read": sorted(audit_record.read),
        "written": sorted(audit_record.written),
        "attempted": sorted(audit_record.attempted - audit_record.written),
        "outcome": outcome,
        "codes": audit_record.codes,
        **_names(context, audit_record),
    }
    return _encode(facts) + b"\n"
