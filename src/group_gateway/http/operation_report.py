"""Report finished operations to metrics, request log, audit log, and in response extensions."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from group_gateway.errors import RequestCode
from group_gateway.events import (
    Events,
    ExecutionOutcome,
    RefusalOutcome,
    RequestRecorder,
    SharedOutcome,
)
from group_gateway.execution.engine import OperationRunner
from group_gateway.execution.graphql_request import GraphQLRequest
from group_gateway.http.request_limits import RequestLimits
from group_gateway.http.requests import RequestRefused
from group_gateway.log_text import log_text
from group_gateway.operation import AuditRecord, Operation, RequestContext


class OperationReport:
    """Report each operation once."""

    def __init__(
        self,
        engine: OperationRunner,
        limits: RequestLimits,
        events: Events,
        recorder: RequestRecorder,
    ) -> None:
        self._engine = engine
        self._limits = limits
        self._events = events
        self._recorder = recorder
        self.records_all = recorder.records_all
        """Whether operations without errors are logged or audited."""

    def beside(self, engine: OperationRunner) -> "OperationReport":
        """Return a report for another engine, with the same destinations."""
        return OperationReport(engine, self._limits, self._events, self._recorder)

    @property
    def can_record(self) -> bool:
        """Whether the audit log can take another record, where one is required."""
        return self._recorder.can_record

    def check_audit(self) -> None:
        """Raise RequestRefused when the audit log is required and can't be written."""
        if not self._recorder.can_record:
            message = "The audit log can't be written, so nothing is answered."
            raise RequestRefused(message, 503, RequestCode.AUDIT_UNAVAILABLE, retry_after=5)

    def shared(
        self, outcome: SharedOutcome, audit_record: AuditRecord | None, context: RequestContext
    ) -> None:
        """Report a request that got the response of another, identical one."""
        self._events.request_ended(outcome)
        if audit_record is not None:
            self._recorder.answered(outcome, context, audit_record, 0.0)

    def executed(
        self,
        outcome: ExecutionOutcome,
        request: GraphQLRequest,
        operation: Operation,
        codes: Iterable[str],
    ) -> None:
        """Report an operation that has ended; `codes` are those of its errors."""
        self._events.request_ended(outcome)
        seconds = self._limits.seconds - operation.deadline + asyncio.get_running_loop().time()
        self._events.operation_executed(seconds)
        audit_record = operation.audit_record
        if audit_record is None and outcome != "complete":
            audit_record = AuditRecord()
        if audit_record is not None:
            self._describe(audit_record, request, codes)
            audit_record.upstream_ids = tuple(operation.upstream_ids)
            self._recorder.answered(outcome, operation.context, audit_record, seconds)

    def refused(self, refused: RequestRefused, context: RequestContext) -> None:
        """Report a refused request."""
        outcome: RefusalOutcome = "refused" if refused.retry_after is None else "shed"
        self._events.request_ended(outcome)
        self._recorder.refused(outcome, refused.code, context)

    def subscription_record(self, request: GraphQLRequest) -> AuditRecord:
        """Return the audit record of a subscription that begins."""
        audit_record = AuditRecord(events=0)
        self._describe(audit_record, request, ())
        return audit_record

    def subscriptions_open(self, number: int) -> None:
        """Report how many subscriptions are open."""
        self._events.open_subscriptions(number)

    def subscription_event(
        self, context: RequestContext, audit_record: AuditRecord, shown: AuditRecord | None
    ) -> None:
        """Report an event of a subscription; `shown` records the data in it."""
        self._events.subscription_event()
        if shown is not None:
            self._recorder.event_sent(context, replace(audit_record, read=shown.read))

    def subscription_end(
        self, context: RequestContext, audit_record: AuditRecord, seconds: float
    ) -> None:
        """Report a subscription that has ended."""
        self._recorder.answered("ended", context, audit_record, seconds)

    def extensions(self, request: GraphQLRequest, operation: Operation) -> dict[str, Any]:
        """Return the response extensions of an operation."""
        extensions: dict[str, Any] = {}
        if request.wants_cost:
            extensions["cost"] = self._cost(operation)
        if operation.stale is not None:
            extensions["stale"] = {"age": round(operation.stale)}
        return extensions

    def _describe(
        self, audit_record: AuditRecord, request: GraphQLRequest, codes: Iterable[str]
    ) -> None:
        """Set what a record says of the operation: its type, name, root fields and error codes."""
        document = self._engine.document(request)
        operation = document.operation(request.operation_name)
        audit_record.kind = operation.operation.value if operation else ""
        if operation is not None and operation.name is not None:
            audit_record.operation_name = log_text(operation.name.value)
        audit_record.fields = document.root_fields(request.operation_name)
        audit_record.document = self._recorder.digest(request.query)
        audit_record.codes = tuple(sorted(set(codes)))

    def _cost(self, operation: Operation) -> dict[str, int]:
        """Return the upstream calls of an operation: its own, shared ones, and the limit."""
        allowed = self._limits.upstream_calls
        return {"upstreamCalls": allowed - operation.calls_left, "upstreamCallsAllowed": allowed}
