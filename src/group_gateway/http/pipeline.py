"""Answers to GraphQL requests, however they came: ready, joined, or executed.

An answer is found by the cheapest way there is. What a request may take beyond that is decided
here too: room in the process, the document, the budget of an operation.
"""

import asyncio
from contextlib import suppress
from typing import Any, TypeVar

from graphql import OperationType

from group_gateway.cache.store import CacheStore
from group_gateway.errors import RequestCode
from group_gateway.execution.engine import Answer, GraphQLRequest, OperationRunner
from group_gateway.execution.incremental_result import IncrementalResult
from group_gateway.execution.response_cache import LeaderGone, Question, ResponseCache, SingleFlight
from group_gateway.execution.tracing import Tracer
from group_gateway.http.admission import Admission
from group_gateway.http.incremental_delivery import IncrementalDelivery
from group_gateway.http.negotiation import RequestedFormat
from group_gateway.http.operation_report import OperationReport, check_audit
from group_gateway.http.persisted.persisted_documents import PersistedDocuments
from group_gateway.http.request_limits import RequestLimits
from group_gateway.http.requests import (
    JSON,
    RequestRefused,
    is_array,
    operations_of_body,
    request_of_body,
)
from group_gateway.http.responses import (
    Reply,
    answer_reply,
    batch_reply,
    new_correlation_id,
    refusal,
)
from group_gateway.observability.request_log import RequestLog
from group_gateway.observability.telemetry import Telemetry
from group_gateway.operation import AuditRecord, Operation, Principal

Pipeline = TypeVar("Pipeline", bound="RequestPipeline")


class SubscriptionRequested(RequestRefused):
    """A subscription, where one answer is expected; for whoever can stream to take."""

    def __init__(self, asked: GraphQLRequest) -> None:
        message = "Subscribe over a WebSocket, or with Accept: text/event-stream."
        super().__init__(message, 406, RequestCode.NOT_ACCEPTABLE)
        self.asked = asked


class RequestPipeline:
    """Answers requests of callers that are known, within `limits`."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that answering takes
        self,
        engine: OperationRunner,
        limits: RequestLimits,
        cache: CacheStore,
        telemetry: Telemetry,
        request_log: RequestLog,
        persisted: PersistedDocuments,
        admission: Admission | None = None,
    ) -> None:
        self._engine = engine
        self._limits = limits
        self._telemetry = telemetry
        self._request_log = request_log
        self.admission = admission or Admission(limits.operations)
        self._outcomes = OperationReport(engine, limits, telemetry, request_log)
        self._parts = IncrementalDelivery(self.admission, self._outcomes)
        self._persisted = persisted
        self._cache = cache
        self._begin_anew(persisted.generation())

    def beside(self, kind: type[Pipeline], engine: OperationRunner) -> Pipeline:
        """Return a pipeline to another engine that shares this one's room, documents and log."""
        parts = (self._cache, self._telemetry, self._request_log, self._persisted, self.admission)
        return kind(engine, self._limits, *parts)

    def _begin_anew(self, documents: int) -> None:
        """Share nothing any more that was answered by another list of trusted documents."""
        self._documents = documents
        self._in_flight: SingleFlight[Reply] = SingleFlight(self._engine.epoch)
        self._ready: ResponseCache[Reply] = ResponseCache(
            self._cache, max_bytes=self._limits.ready_bytes
        )

    def fast_path(self, question: Question, principal: Principal) -> tuple[Reply, bytes] | None:
        """Give the answer and its correlation id, where that takes no waiting.

        It is one that is ready, or the refusal of what there is no room for.
        """
        try:
            self._check()
        except RequestRefused:
            return None
        correlation_id = new_correlation_id()
        if (reply := self._ready.now(question)) is not None:
            return self._shared("ready", reply, principal, correlation_id), correlation_id
        if (refused := self._refused(question)) is not None:
            return self.refusal(refused, question[1], principal, correlation_id), correlation_id
        return None

    def _refused(self, question: Question) -> RequestRefused | None:
        """Give the refusal of what would have to be executed now, if there is no room for it."""
        if self.admission.has_room() or question in self._ready or is_array(question[2]):
            return None
        return None if self._in_flight.joined(question) else self.admission.refusal()

    def _check(self) -> None:
        """Drop answers of another document list. Raise RequestRefused when none can be logged."""
        if (documents := self._persisted.generation()) != self._documents:
            self._begin_anew(documents)
        check_audit(self._request_log)

    async def answer(
        self,
        question: Question,
        principal: Principal,
        correlation_id: bytes,
        requested_format: RequestedFormat | None = None,
    ) -> Reply:
        """Answer a request that may be anything; raises RequestRefused."""
        self._check()
        # A traced request needs its own trace, so it must not reuse another request's response.
        traced = requested_format is not None and requested_format.trace
        ready = None if traced else await self._ready.get(question)
        if ready is not None:
            return self._shared("ready", ready, principal, correlation_id)
        flight = None if traced else self._in_flight.joined(question)
        if flight is not None:
            with suppress(LeaderGone):
                reply = await asyncio.shield(flight)
                return self._shared("joined", reply, principal, correlation_id)
        if is_array(question[2]):
            return await self._batch(
                question, principal, correlation_id, requested_format if traced else None
            )
        with self.admission:
            return await self._executed(
                question, self.operation(principal, correlation_id), requested_format
            )

    async def _executed(
        self, question: Question, operation: Operation, requested_format: RequestedFormat | None
    ) -> Reply:
        in_flight, ready = self._in_flight, self._ready  # of a list no newer than the next line's
        asked = self._persisted.resolved(self.request(question))
        document = self._engine.document(asked)
        kind = document.kind(asked.operation_name)
        if kind is OperationType.SUBSCRIPTION:
            raise self._subscription(asked)
        try:
            if requested_format is not None and requested_format.trace:
                return await self._reply(asked, operation, question[1], Tracer())
            if requested_format is not None and document.in_parts:
                return await self._in_parts(asked, operation, question[1])
            # What a shared answer cost was paid by another request.
            if asked.wants_cost or kind is not OperationType.QUERY:
                return await self._reply(asked, operation, question[1])
            return await in_flight.lead(question, self._lead(question, asked, operation, ready))
        except asyncio.CancelledError:
            if kind is OperationType.QUERY:  # a mutation that has begun goes on
                operation.abandon()
            raise

    def request(self, question: Question) -> GraphQLRequest:
        """Return the GraphQL request that a question holds; raise RequestRefused."""
        return request_of_body(question[2])

    def _shared(
        self, outcome: str, reply: Reply, principal: Principal, correlation_id: bytes
    ) -> Reply:
        self._telemetry.request(outcome)
        if reply.audit_record is not None:
            self._request_log.tell(
                outcome, principal, correlation_id.decode(), reply.audit_record, 0.0
            )
        return reply

    async def _batch(
        self,
        question: Question,
        principal: Principal,
        correlation_id: bytes,
        requested_format: RequestedFormat | None,
    ) -> Reply:
        scope, media_type, body = question

        async def part(operation: bytes) -> Reply:
            try:
                alone = (scope, media_type, operation)
                return await self.answer(alone, principal, correlation_id, requested_format)
            except RequestRefused as refused:  # it does not take the others with it
                return self.refusal(refused, media_type, principal, correlation_id)

        operations = operations_of_body(body, self._limits.batch)
        return batch_reply(media_type, await asyncio.gather(*map(part, operations)))

    async def _lead(
        self,
        question: Question,
        asked: GraphQLRequest,
        operation: Operation,
        ready: ResponseCache[Reply],
    ) -> Reply:
        reply = await self._reply(asked, operation, question[1])
        if operation.parts and reply.is_complete:
            ready.put(question, reply, reply.size, operation.parts)
        return reply

    async def answer_query(
        self, asked: GraphQLRequest, principal: Principal, media_type: str, correlation_id: bytes
    ) -> Reply:
        """Answer a request that may only read; raises RequestRefused."""
        self._check()
        with self.admission:
            asked = self._persisted.resolved(asked)
            match self._engine.document(asked).kind(asked.operation_name):
                case OperationType.SUBSCRIPTION:
                    raise self._subscription(asked)
                case OperationType.MUTATION:
                    message = "A GET can only query. Send mutations with POST."
                    raise RequestRefused(message, 405, RequestCode.METHOD_NOT_ALLOWED)
            operation = self.operation(principal, correlation_id)
            return await self._reply(asked, operation, media_type)

    def _subscription(self, asked: GraphQLRequest) -> RequestRefused:
        if self._limits.subscriptions:
            return SubscriptionRequested(asked)
        message = "Subscriptions are switched off here."
        return RequestRefused(message, 400, RequestCode.SUBSCRIPTIONS_DISABLED)

    def operation(self, principal: Principal, correlation_id: bytes) -> Operation:
        """Begin an operation, with its time and its budget of calls."""
        return Operation(
            principal=principal,
            deadline=asyncio.get_running_loop().time() + self._limits.seconds,
            calls_left=self._limits.upstream_calls,
            correlation_id=correlation_id.decode(),
            audit_record=AuditRecord() if self._request_log.tells_all else None,
        )

    async def _reply(
        self,
        asked: GraphQLRequest,
        operation: Operation,
        media_type: str,
        tracer: Tracer | None = None,
    ) -> Reply:
        answer = await self._engine.run(asked, operation, tracer)
        traced = {} if tracer is None else {"ftv1": tracer.encoded(answer.errors)}
        return self._told(answer, asked, operation, media_type, traced)

    async def _in_parts(
        self, asked: GraphQLRequest, operation: Operation, media_type: str
    ) -> Reply:
        answer = await self._engine.run_in_parts(asked, operation)
        if isinstance(answer, IncrementalResult):
            return self._parts.reply(answer, asked, operation)
        return self._told(answer, asked, operation, media_type, {})

    def _told(
        self,
        answer: Answer,
        asked: GraphQLRequest,
        operation: Operation,
        media_type: str,
        extensions: dict[str, Any],
    ) -> Reply:
        outcome = "complete" if answer.is_complete else "errors"
        self._outcomes.tell(outcome, asked, operation, answer.codes)
        extensions |= self._outcomes.extensions(asked, operation)
        return self.formatted(answer, media_type, extensions, operation.audit_record)

    def formatted(
        self,
        answer: Answer,
        media_type: str,
        extensions: dict[str, Any],
        audit_record: AuditRecord | None,
    ) -> Reply:
        """Return the response to a request that was understood."""
        return answer_reply(answer, media_type, extensions, audit_record)

    def refusal(
        self,
        refused: RequestRefused,
        media_type: str | None,
        principal: Principal | None,
        correlation_id: bytes,
    ) -> Reply:
        """Give the answer to a request that is not taken, and tell of it."""
        self._outcomes.refuse(refused, principal, correlation_id)
        return refusal(refused, media_type or JSON, correlation_id)
