"""Execute operations on the schema."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol

import msgspec
from graphql import ExecutionResult, GraphQLError
from graphql.execution import Executor, create_source_event_stream

from group_gateway.errors import GatewayError, Unauthenticated
from group_gateway.events import NO_EVENTS, Events
from group_gateway.execution.compiled_plans import Planning
from group_gateway.execution.document_limits import DocumentLimits
from group_gateway.execution.documents import Document, Documents
from group_gateway.execution.error_formatting import formatted_error
from group_gateway.execution.federated_trace import Tracer
from group_gateway.execution.graphql_request import GraphQLRequest
from group_gateway.execution.incremental import DeferStreamExecutor, WholeExecutor, execute
from group_gateway.execution.incremental_result import IncrementalResult
from group_gateway.execution.operation_result import Event, OperationResult
from group_gateway.execution.plan_fallbacks import PlanFallbacks
from group_gateway.groups.watching.group_watches import BeginOperation
from group_gateway.operation import Operation
from group_gateway.schema.context import Context, Services
from group_gateway.schema.federated_schema import GatewaySchema
from group_gateway.tracing import NO_TRACING, Tracing


class SourceEvent(Protocol):
    """An event of a subscription's source: the root field's value, and its operation."""

    @property
    def operation(self) -> Operation:
        """The operation that read it."""

    @property
    def root(self) -> object:
        """The value of the root field."""


class OperationRunner(Protocol):
    """The execution of requests of one kind of endpoint."""

    def epoch(self) -> int:
        """Return the number of changes that this process has made or learned of."""

    def document(self, request: GraphQLRequest) -> Document:
        """Return the request's document, parsed and validated."""

    async def run(
        self, request: GraphQLRequest, operation: Operation, tracer: Tracer | None = None
    ) -> OperationResult:
        """Execute a request; all failures are in the response's errors."""

    async def run_incremental(
        self, request: GraphQLRequest, operation: Operation
    ) -> OperationResult | IncrementalResult:
        """Execute a request whose document is `is_incremental`, up to its initial result."""


class Engine:
    """Execute requests against one schema and one set of use cases.

    With `compiled` plans answer queries, and graphql-core only those that a plan can't; the results
    are the same. `planning` counts.
    """

    def __init__(  # noqa: PLR0913 - what is executed, how, and who observes it
        self,
        schema: GatewaySchema,
        services: Services,
        limits: DocumentLimits,
        *,
        compiled: bool = True,
        events: Events = NO_EVENTS,
        tracing: Tracing = NO_TRACING,
    ) -> None:
        self._tracing = tracing
        self._schema = schema.graphql_schema
        self._services = services
        self._limits = limits
        self.compiled = compiled
        self._documents = Documents(self._schema, limits)
        self.planning = Planning(self._schema, PlanFallbacks(events.plan_fallback))

    def epoch(self) -> int:
        """Return the number of changes that this process has made or learned of."""
        return self._services.invalidator.epoch

    def document(self, request: GraphQLRequest) -> Document:
        """Return the request's document, parsed and validated."""
        return self._documents.get(request.query)

    async def run(
        self, request: GraphQLRequest, operation: Operation, tracer: Tracer | None = None
    ) -> OperationResult:
        """Execute a request; all failures are in the response's errors."""
        document = self.document(request)
        if document.node is None:
            return _refused(document.errors, document.code, operation)
        plans = document.plans(self.planning, request.operation_name)
        if plans is None:
            error = GraphQLError("The document has no such operation: name one of those it has.")
            return _refused((error,), "BAD_USER_INPUT", operation)
        operation.elements = document.elements
        context = Context(operation, self._services)
        with self._tracing.operation(document.operation(request.operation_name)) as span:
            if self.compiled and tracer is None:
                data = await plans.run(context, request.variables or {})
                if data is not None:
                    return OperationResult(executed=True, data=msgspec.Raw(data), errors=[])
            answer = await self._execute(request, context, tracer)
            if answer.errors:
                span.fail(answer.errors[0]["extensions"]["code"])
        return answer

    async def _execute(
        self, request: GraphQLRequest, context: Context, tracer: Tracer | None
    ) -> OperationResult:
        middleware = tracer.middleware() if tracer is not None else None
        executor = self._executor(WholeExecutor, request, context, middleware=middleware)
        return _answer(await execute(executor), context)

    async def run_incremental(
        self, request: GraphQLRequest, operation: Operation
    ) -> OperationResult | IncrementalResult:
        """Execute a request whose document is `is_incremental`, up to its initial result."""
        document = self.document(request)
        if document.operation(request.operation_name) is None:
            return await self.run(request, operation)
        operation.elements = document.elements
        context = Context(operation, self._services, is_incremental=True)
        # The loads of all payloads go upstream together, and no payload waits for another.
        executor = self._executor(
            DeferStreamExecutor, request, context, enable_early_execution=True
        )
        result = await execute(executor)
        if isinstance(result, ExecutionResult):
            return _answer(result, context)
        return IncrementalResult(result, executor, operation)

    def _executor(
        self, kind: type[Executor[Any]], request: GraphQLRequest, context: Context, **options: Any
    ) -> Any:
        """Return graphql-core's executor of a request, or the errors of its variables."""
        document: Any = self.document(request).node
        return kind.build(
            self._schema,
            document,
            context_value=context,
            raw_variable_values=dict(request.variables or {}),
            operation_name=request.operation_name,
            hide_suggestions=self._limits.hide_suggestions,
            **options,
        )

    async def subscribe(
        self, request: GraphQLRequest, begin: BeginOperation
    ) -> AsyncGenerator[Event, None]:
        """Execute a subscription: a result for each event, and last the error, if any.

        Each event has the operation that read it, started by `begin`; graphql-core's own
        `subscribe` would have one for all.
        """
        operation = await begin()
        document = self.document(request)
        if document.node is None:
            yield Event(_refused(document.errors, document.code, operation), operation)
            return
        context = Context(operation, self._services, begin=begin)
        source = self._source(request, context)
        if not isinstance(source, AsyncGenerator):
            yield Event(_refused(tuple(source), "BAD_USER_INPUT", operation), operation)
            return
        try:
            async with aclosing(source) as changes:
                async for change in changes:
                    context = Context(change.operation, self._services)
                    executor = self._executor(
                        WholeExecutor, request, context, root_value=change.root
                    )
                    yield Event(_answer(await execute(executor), context), change.operation)
        except GatewayError as failure:
            error = GraphQLError(failure.message, original_error=failure)
            refused = _refused((error,), failure.code, operation)
            was_accepted = isinstance(failure, Unauthenticated) and failure.was_accepted
            answer = msgspec.structs.replace(refused, was_accepted=was_accepted)
            yield Event(answer, operation)

    def _source(
        self, request: GraphQLRequest, context: Context
    ) -> AsyncGenerator[SourceEvent, None] | list[GraphQLError]:
        """Start the source of a subscription; return the reason if it can't start."""
        executor = self._executor(WholeExecutor, request, context)
        if isinstance(executor, list):
            return executor
        source: Any = create_source_event_stream(executor)
        return source.errors or [] if isinstance(source, ExecutionResult) else source


def _answer(result: ExecutionResult, context: Context) -> OperationResult:
    errors = [*(result.errors or ()), *context.reported]
    # Without a path an error is about the request: graphql-core could not coerce the variables.
    before = result.data is None and bool(errors) and all(e.path is None for e in errors)
    default = "BAD_USER_INPUT" if before else "INTERNAL_SERVER_ERROR"
    shown = [formatted_error(error, default, context.operation) for error in errors]
    return OperationResult(not before, result.data, shown)


def _refused(errors: tuple[GraphQLError, ...], code: str, operation: Operation) -> OperationResult:
    shown = [formatted_error(error, code, operation) for error in errors]
    return OperationResult(executed=False, data=None, errors=shown)
