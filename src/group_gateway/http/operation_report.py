"""How operations ended: counted, logged, recorded, and told to those who ask."""

import asyncio
from collections.abc import Iterable
from typing import Any

from group_gateway.errors import RequestCode
from group_gateway.execution.engine import GraphQLRequest, OperationRunner
from group_gateway.http.request_limits import RequestLimits
from group_gateway.http.requests import RequestRefused
from group_gateway.observability.request_log import RequestLog
from group_gateway.observability.telemetry import Telemetry
from group_gateway.operation import AuditRecord, Operation, Principal


class OperationReport:
    """Tells of operations, once for each."""

    def __init__(
        self,
        engine: OperationRunner,
        limits: RequestLimits,
        telemetry: Telemetry,
        request_log: RequestLog,
    ) -> None:
        self._engine = engine
        self._limits = limits
        self._telemetry = telemetry
        self._request_log = request_log

    def tell(
        self, outcome: str, asked: GraphQLRequest, operation: Operation, codes: Iterable[str]
    ) -> None:
        """Tell of an operation that is over; `codes` are those of its errors."""
        self._telemetry.request(outcome)
        seconds = self._limits.seconds - operation.deadline + asyncio.get_running_loop().time()
        self._telemetry.executed(seconds)
        audit_record = (
            operation.audit_record
            if outcome == "complete"
            else operation.audit_record or AuditRecord()
        )
        if audit_record is not None:
            self._describe(audit_record, asked, codes)
            self._request_log.tell(
                outcome, operation.principal, operation.correlation_id, audit_record, seconds
            )

    def refuse(
        self, refused: RequestRefused, principal: Principal | None, correlation_id: bytes
    ) -> None:
        """Tell of a request that was not taken."""
        outcome = "refused" if refused.retry_after is None else "shed"
        self._telemetry.request(outcome)
        self._request_log.refuse(outcome, refused.code, principal, correlation_id.decode())

    def extensions(self, asked: GraphQLRequest, operation: Operation) -> dict[str, Any]:
        """Give what an answer tells of its operation."""
        extensions: dict[str, Any] = {}
        if asked.wants_cost:
            extensions["cost"] = self._cost(operation)
        if operation.stale is not None:
            extensions["stale"] = {"age": round(operation.stale)}
        return extensions

    def _describe(
        self, audit_record: AuditRecord, asked: GraphQLRequest, codes: Iterable[str]
    ) -> None:
        """Note in a trail what was asked, by names from the schema alone, and how it ended."""
        document = self._engine.document(asked)
        operation = document.operation(asked.operation_name)
        audit_record.kind = operation.operation.value if operation else ""
        audit_record.fields = document.root_fields(asked.operation_name)
        audit_record.document = self._request_log.digest(asked.query)
        audit_record.codes = tuple(sorted(set(codes)))

    def _cost(self, operation: Operation) -> dict[str, int]:
        """Give the upstream calls that an operation caused, alone or with others, and could."""
        allowed = self._limits.upstream_calls
        return {"upstreamCalls": allowed - operation.calls_left, "upstreamCallsAllowed": allowed}


def check_audit(request_log: RequestLog) -> None:
    """Raise RequestRefused when the audit log is required and can't be written."""
    if not request_log.can_record:
        message = "The audit log can't be written, so nothing is answered."
        raise RequestRefused(message, 503, RequestCode.AUDIT_UNAVAILABLE, retry_after=5)
