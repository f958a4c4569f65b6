"""The subscriptions of a process: their callers and their reports, for any transport.

Each event is an operation of its own, whose caller is authenticated again: an expired or revoked
credential gets no further event.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from group_gateway.errors import Unauthenticated
from group_gateway.execution.engine import Engine
from group_gateway.execution.graphql_request import GraphQLRequest
from group_gateway.execution.operation_result import Event, OperationResult
from group_gateway.http.operation_report import OperationReport
from group_gateway.http.pipeline import RequestPipeline
from group_gateway.http.subscriptions.subscription_limit import SubscriptionLimit
from group_gateway.identity.authenticator import Authenticator
from group_gateway.operation import (
    NO_CLIENT,
    Anonymous,
    AuditRecord,
    Caller,
    ClientSoftware,
    Operation,
    Principal,
    RequestContext,
)

NOT_ACCEPTED = "The token is not accepted any more."
_CHECK_SECONDS = 5.0
"""Seconds between two checks of an open connection's credential."""


@dataclass(frozen=True, slots=True)
class ClientSession:
    """An authenticated client, with the Authorization by which it is authenticated again."""

    principal: Principal
    authorization: str | None
    correlation_id: bytes
    client: ClientSoftware = NO_CLIENT

    @property
    def context(self) -> RequestContext:
        """The caller, and the ids of the request in logs."""
        return RequestContext(self.principal, self.correlation_id, self.client)

    @property
    def until(self) -> float | None:
        """When the credential expires, in epoch seconds, if that is known."""
        return self.principal.until if isinstance(self.principal, Caller) else None


class Subscriptions:
    """Run subscriptions, limited in number by `limit`. `ending` is set when the process ends."""

    def __init__(
        self,
        engine: Engine,
        pipeline: RequestPipeline,
        callers: Authenticator,
        report: OperationReport,
        limit: SubscriptionLimit,
    ) -> None:
        self._engine = engine
        self._pipeline = pipeline
        self._callers = callers
        self._report = report
        self.limit = limit
        self.ending = asyncio.Event()

    async def authenticate(self, authorization: str | None) -> Principal:
        """Return the principal of an `Authorization` header, None where there is none."""
        return self._callers.cached(authorization) or await self._callers.authenticate(
            authorization
        )

    async def until_refused(self, session: ClientSession) -> None:
        """Wait until the credential of a session is refused.

        The credential is checked every few seconds, so that a revoked key is noticed also while
        there are no events.
        """
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            principal = await self.authenticate(session.authorization)
            if isinstance(principal, Anonymous) and principal.kind is Unauthenticated:
                return

    async def answers(
        self, request: GraphQLRequest, session: ClientSession
    ) -> AsyncGenerator[OperationResult, None]:
        """Yield the results of a subscription, whose caller has a slot.

        A result that was not executed is the last. Raises RequestRefused when the audit log is
        required and can't be written.
        """

        async def begin() -> Operation:
            if self._report.records_all:
                self._report.check_audit()
            principal = await self.authenticate(session.authorization)
            return self._pipeline.operation(replace(session, principal=principal).context)

        audit_record = self._report.subscription_record(request)
        began = asyncio.get_running_loop().time()
        try:
            async with aclosing(self._engine.subscribe(request, begin)) as events:
                async for event in events:
                    self._report_event(event, audit_record, session)
                    yield event.answer
        finally:
            seconds = asyncio.get_running_loop().time() - began
            self._report.subscription_end(session.context, audit_record, seconds)

    def _report_event(
        self, event: Event, audit_record: AuditRecord, session: ClientSession
    ) -> None:
        """Count an event, and audit its data."""
        answer, shown = event.answer, event.operation.audit_record
        audit_record.upstream_ids = tuple(event.operation.upstream_ids)
        audit_record.codes = tuple(sorted({error["extensions"]["code"] for error in answer.errors}))
        if answer.executed:
            audit_record.events = (audit_record.events or 0) + 1
            self._report.subscription_event(session.context, audit_record, shown)
