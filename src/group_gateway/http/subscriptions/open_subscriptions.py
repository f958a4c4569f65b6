"""The subscriptions of a process: who may open one, and what is told of them. Transport-free.

Each event is an operation of its own, whose caller is identified anew: a token that has expired, or
whose key was withdrawn, gets no further event.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from group_gateway.errors import Unauthenticated
from group_gateway.execution.engine import Answer, Engine, Event, GraphQLRequest
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
"""Seconds between two checks of the credentials of a client that stays."""


@dataclass(frozen=True, slots=True)
class ClientSession:
    """Somebody who stays: who it is, and the Authorization by which that can be found again."""

    principal: Principal
    authorization: str | None
    correlation_id: bytes
    client: ClientSoftware = NO_CLIENT

    @property
    def context(self) -> RequestContext:
        """Who asks, and by what the request is found in logs."""
        return RequestContext(self.principal, self.correlation_id, self.client)

    @property
    def until(self) -> float | None:
        """When the credential expires, in seconds since the epoch, where that is known."""
        return self.principal.until if isinstance(self.principal, Caller) else None


class Subscriptions:
    """Runs subscriptions. `places` are theirs; `ending` is set when the process is to end."""

    def __init__(
        self,
        engine: Engine,
        pipeline: RequestPipeline,
        callers: Authenticator,
        report: OperationReport,
        places: SubscriptionLimit,
    ) -> None:
        self._engine = engine
        self._pipeline = pipeline
        self._callers = callers
        self._report = report
        self.places = places
        self.ending = asyncio.Event()

    async def authenticate(self, authorization: str | None) -> Principal:
        """Return who sends this Authorization."""
        return self._callers.known(authorization) or await self._callers.authenticate(authorization)

    async def until_refused(self, session: ClientSession) -> None:
        """Wait until the credential of a session is not accepted any more.

        It notices a key that was withdrawn also while nothing happens.
        """
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            principal = await self.authenticate(session.authorization)
            if isinstance(principal, Anonymous) and principal.kind is Unauthenticated:
                return

    async def answers(
        self, asked: GraphQLRequest, session: ClientSession
    ) -> AsyncGenerator[Answer, None]:
        """Yield the answers to a subscription as they come, the caller's place being taken.

        One that was not executed is the last. Raises RequestRefused.
        """

        async def renew() -> Operation:
            if self._report.tells_all:
                self._report.check_audit()
            principal = await self.authenticate(session.authorization)
            return self._pipeline.operation(replace(session, principal=principal).context)

        audit_record = self._report.subscription_record(asked)
        began = asyncio.get_running_loop().time()
        try:
            async with aclosing(self._engine.subscribe(asked, renew)) as events:
                async for event in events:
                    self._tell(event, audit_record, session)
                    yield event.answer
        finally:
            seconds = asyncio.get_running_loop().time() - began
            self._report.subscription_end(session.context, audit_record, seconds)

    def _tell(self, event: Event, audit_record: AuditRecord, session: ClientSession) -> None:
        """Count an event, and record what was shown with it."""
        answer, shown = event.answer, event.operation.audit_record
        audit_record.upstream_ids = tuple(event.operation.upstream_ids)
        audit_record.codes = tuple(sorted({error["extensions"]["code"] for error in answer.errors}))
        if answer.executed:
            audit_record.events = (audit_record.events or 0) + 1
            self._report.subscription_event(session.context, audit_record, shown)
