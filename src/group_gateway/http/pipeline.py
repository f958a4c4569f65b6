"""The stages of a GraphQL request, in their order.

1. The audit log has room for a record; else the request is refused.
2. A response to the same key is ready or in flight: the request gets that.
3. An array of operations passes all stages operation by operation.
4. Admission: the process has room for another operation; else the request is refused.
5. The document is resolved by text or id, parsed and validated.
6. The operation is executed and reported once.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from graphql import OperationType

from group_gateway.errors import RequestCode
from group_gateway.execution.engine import OperationRunner
from group_gateway.execution.federated_trace import Tracer
from group_gateway.execution.graphql_request import GraphQLRequest
from group_gateway.execution.incremental_result import IncrementalResult
from group_gateway.execution.operation_result import OperationResult
from group_gateway.execution.response_cache import RequestKey
from group_gateway.http.admission import Admission
from group_gateway.http.client_awareness import client_of
from group_gateway.http.incremental_delivery import IncrementalDelivery
from group_gateway.http.negotiation import JSON, WHOLE, RequestedFormat
from group_gateway.http.operation_report import OperationReport
from group_gateway.http.persisted.persisted_documents import PersistedDocuments
from group_gateway.http.request_limits import RequestLimits
from group_gateway.http.requests import (
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
from group_gateway.http.shared_responses import SharedResponses
from group_gateway.operation import (
    NO_CLIENT,
    AuditRecord,
    Operation,
    Principal,
    RequestContext,
)

Pipeline = TypeVar("Pipeline", bound="RequestPipeline")


@dataclass(frozen=True, slots=True)
class SubscriptionRequested:
    """The request is a subscription, which needs a streaming transport."""

    request: GraphQLRequest

    def refusal(self) -> RequestRefused:
        """Return the refusal for a client that accepts a single response only."""
        message = "Subscribe over a WebSocket, or with Accept: text/event-stream."
        return RequestRefused(message, 406, RequestCode.NOT_ACCEPTABLE)


class RequestPipeline:
    """Answer authenticated requests within `limits`.

    `share` makes the shared responses, anew for each list of trusted documents.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all that answering takes
        self,
        engine: OperationRunner,
        limits: RequestLimits,
        report: OperationReport,
        persisted: PersistedDocuments,
        share: Callable[[OperationRunner], SharedResponses],
        admission: Admission | None = None,
    ) -> None:
        self._engine = engine
        self._limits = limits
        self._report = report
        self._persisted = persisted
        self._share = share
        self._documents = persisted.generation()
        self._shared = share(engine)
        self.admission = admission or Admission(limits.operations)
        self._delivery = IncrementalDelivery(self.admission, report)

    def beside(self, kind: type[Pipeline], engine: OperationRunner) -> Pipeline:
        """Return a pipeline for another engine, with the same admission, documents and reports."""
        report = self._report.beside(engine)
        return kind(engine, self._limits, report, self._persisted, self._share, self.admission)

    def fast_path(
        self, key: RequestKey, principal: Principal, headers: Mapping[bytes, str]
    ) -> tuple[Reply, bytes] | None:
        """Return the response and its correlation id if that needs no waiting, else None.

        It is a ready response, or a refusal for lack of room.
        """
        if not self._report.can_record:
            return None
        shared = self._current()
        if (reply := shared.get_nowait(key)) is not None:
            encoded = reply
            if b"accept-encoding" in headers:
                coded = shared.encoded_now(key, reply, headers[b"accept-encoding"])
                if coded is None:
                    return None
                encoded = coded
            client = client_of(headers) if encoded.audit_record is not None else NO_CLIENT
            context = RequestContext(principal, new_correlation_id(), client)
            self._report.shared("ready", encoded.audit_record, context)
            return encoded, context.correlation_id
        if self.admission.has_room() or key in shared or is_array(key[2]):
            return None
        context = RequestContext(principal, new_correlation_id(), client_of(headers))
        refused = self.refusal(self.admission.refusal(), key[1], context)
        return refused, context.correlation_id

    def _current(self) -> SharedResponses:
        """Return the shared responses for the current list of trusted documents."""
        if (documents := self._persisted.generation()) != self._documents:
            self._documents = documents
            self._shared = self._share(self._engine)
        return self._shared

    async def answer(
        self, key: RequestKey, context: RequestContext, wanted: RequestedFormat = WHOLE
    ) -> Reply | SubscriptionRequested:
        """Answer any request; raise RequestRefused."""
        self._report.check_audit()
        shared = self._current()
        if not wanted.trace:  # a trace is of the request's own operation
            if (ready := shared.get_nowait(key)) is not None:
                self._report.shared("ready", ready.audit_record, context)
                return ready
            if (found := await shared.find(key)) is not None:
                outcome, reply = found
                self._report.shared(outcome, reply.audit_record, context)
                return reply
        if is_array(key[2]):
            return await self._batch(key, context, wanted)
        with self.admission:
            return await self._executed(key, self.operation(context), wanted)

    async def encoded(self, key: RequestKey, reply: Reply, accept_encoding: str | None) -> Reply:
        """Return a response in a coding that the client accepts."""
        return await self._shared.encoded(key, reply, accept_encoding)

    async def _batch(
        self, key: RequestKey, context: RequestContext, wanted: RequestedFormat
    ) -> Reply:
        scope, media_type, body = key
        alone = RequestedFormat(trace=wanted.trace)

        async def part(operation: bytes) -> Reply:
            try:
                reply = await self.answer((scope, media_type, operation), context, alone)
                if isinstance(reply, Reply):
                    return reply
                refused = reply.refusal()
            except RequestRefused as refusal:  # it does not fail the others
                refused = refusal
            return self.refusal(refused, media_type, context)

        operations = operations_of_body(body, self._limits.batch)
        return batch_reply(media_type, await asyncio.gather(*map(part, operations)))

    async def _executed(
        self, key: RequestKey, operation: Operation, wanted: RequestedFormat
    ) -> Reply | SubscriptionRequested:
        shared = self._shared  # made for a list that is no newer than the next line's
        request = self._persisted.resolved(self.request(key))
        document = self._engine.document(request)
        kind = document.kind(request.operation_name)
        if kind is OperationType.SUBSCRIPTION:
            return self._subscription(request)
        try:
            if wanted.trace:
                return await self._reply(request, operation, key[1], Tracer())
            if wanted.multipart and document.is_incremental:
                return await self._incremental(request, operation, key[1])
            reply = self._reply(request, operation, key[1])
            # Another request paid for a shared response.
            if request.wants_cost or kind is not OperationType.QUERY:
                return await reply
            shown = await shared.lead(key, reply)
        except asyncio.CancelledError:
            if kind is OperationType.QUERY:  # a mutation that has started goes on
                operation.abandon()
            raise
        shared.keep(key, operation, shown)
        return shown

    def request(self, key: RequestKey) -> GraphQLRequest:
        """Return the GraphQL request of a key; raise RequestRefused."""
        return request_of_body(key[2])

    async def answer_query(
        self, request: GraphQLRequest, context: RequestContext, media_type: str
    ) -> Reply | SubscriptionRequested:
        """Answer a request that may only read; raise RequestRefused."""
        self._report.check_audit()
        with self.admission:
            request = self._persisted.resolved(request)
            document = self._engine.document(request)
            if document.kind(request.operation_name) is OperationType.SUBSCRIPTION:
                return self._subscription(request)
            if document.mutates(request.operation_name):
                message = "A GET can only query. Send mutations with POST."
                raise RequestRefused(message, 405, RequestCode.METHOD_NOT_ALLOWED)
            return await self._reply(request, self.operation(context), media_type)

    def _subscription(self, request: GraphQLRequest) -> SubscriptionRequested:
        if self._limits.subscriptions:
            return SubscriptionRequested(request)
        message = "Subscriptions are switched off here."
        raise RequestRefused(message, 400, RequestCode.SUBSCRIPTIONS_DISABLED)

    def operation(self, context: RequestContext) -> Operation:
        """Start an operation with its deadline and its budget of upstream calls."""
        return Operation(
            principal=context.principal,
            deadline=asyncio.get_running_loop().time() + self._limits.seconds,
            calls_left=self._limits.upstream_calls,
            correlation_id=context.correlation_id.decode(),
            audit_record=AuditRecord() if self._report.records_all else None,
            client=context.client,
        )

    async def _reply(
        self,
        request: GraphQLRequest,
        operation: Operation,
        media_type: str,
        tracer: Tracer | None = None,
    ) -> Reply:
        answer = await self._engine.run(request, operation, tracer)
        traced = {} if tracer is None else {"ftv1": tracer.encoded(answer.errors)}
        return self._reported(answer, request, operation, media_type, traced)

    async def _incremental(
        self, request: GraphQLRequest, operation: Operation, media_type: str
    ) -> Reply:
        answer = await self._engine.run_incremental(request, operation)
        if isinstance(answer, IncrementalResult):
            return self._delivery.reply(answer, request, operation)
        return self._reported(answer, request, operation, media_type, {})

    def _reported(
        self,
        answer: OperationResult,
        request: GraphQLRequest,
        operation: Operation,
        media_type: str,
        extensions: dict[str, Any],
    ) -> Reply:
        if answer.is_complete:
            self._report.executed("complete", request, operation, ())
        else:
            self._report.executed("errors", request, operation, answer.codes)
        extensions |= self._report.extensions(request, operation)
        return self.formatted(answer, media_type, extensions, operation.audit_record)

    def formatted(
        self,
        answer: OperationResult,
        media_type: str,
        extensions: dict[str, Any],
        audit_record: AuditRecord | None,
    ) -> Reply:
        """Return the response to a request that was executed."""
        return answer_reply(answer, media_type, extensions, audit_record)

    def refusal(
        self, refused: RequestRefused, media_type: str | None, context: RequestContext
    ) -> Reply:
        """Return the response to a refused request, and report it."""
        self._report.refused(refused, context)
        return refusal(refused, media_type or JSON, context.correlation_id)
