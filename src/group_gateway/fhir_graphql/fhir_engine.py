"""Execute operations on the schemas of the HL7 interface, one call for each request."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from graphql import ExecutionResult, GraphQLError, MiddlewareManager, OperationType

from group_gateway.errors import GatewayError
from group_gateway.execution.document_limits import DocumentLimits
from group_gateway.execution.documents import Document
from group_gateway.execution.graphql_request import GraphQLRequest
from group_gateway.execution.incremental import execute
from group_gateway.execution.operation_result import OperationResult
from group_gateway.fhir.operation_outcome import Issue
from group_gateway.fhir_graphql.compiled_selection import CompilingExecutor
from group_gateway.fhir_graphql.fhir_context import FhirContext
from group_gateway.fhir_graphql.fhir_documents import FhirDocuments
from group_gateway.fhir_graphql.fhir_schema import FhirSchemas
from group_gateway.fhir_graphql.outcome_errors import outcome_of, shown_error, status_of
from group_gateway.fhir_graphql.reference_target import read_instance
from group_gateway.fhir_graphql.result_directives import Reshaping, Shapes
from group_gateway.operation import Anonymous, Operation
from group_gateway.schema.context import Services
from group_gateway.tracing import NO_TRACING, Tracing

_encode = msgspec.json.Encoder(decimal_format="number").encode
_INTROSPECTION: Final = frozenset({"__schema", "__type", "__typename"})
_BAD_REQUEST: Final = HTTPStatus.BAD_REQUEST


class FhirRequest(GraphQLRequest, frozen=True):
    """A GraphQL request, and the resource that its root is, at instance level."""

    instance: tuple[str, str] | None = None


class FhirResult(OperationResult, frozen=True):
    """The response to a request; `warnings` are those of succeeded mutations."""

    status: int = HTTPStatus.OK
    warnings: Sequence[Issue] = ()

    def body(self, extensions: Mapping[str, Any] | None = None) -> bytes:
        """Return the encoded response map; decimals keep their digits."""
        body: dict[str, Any] = {}
        if self.errors:
            body["errors"] = self.errors
        if self.executed:
            body["data"] = self.data
        more = dict(extensions or {})
        if self.warnings:
            more["resource"] = outcome_of(self.warnings)
        if more:
            body["extensions"] = more
        return _encode(body)


class FhirEngine:
    """Execute requests against the schemas of the HL7 interface and one set of use cases."""

    def __init__(  # noqa: PLR0913 - what is executed, how, and who records it
        self,
        schemas: FhirSchemas,
        services: Services,
        limits: DocumentLimits,
        *,
        directives: bool = False,
        compiled: bool = True,
        tracing: Tracing = NO_TRACING,
    ) -> None:
        self._tracing = tracing
        self._directives = directives
        self._compiled = compiled
        self._schemas = schemas
        self._services = services
        self._limits = limits
        self._documents: dict[str | None, FhirDocuments] = {}

    def epoch(self) -> int:
        """Return the number of changes that this process has made or learned of."""
        return self._services.invalidator.epoch

    def document(self, request: GraphQLRequest) -> Document:
        """Return the request's document, parsed and validated."""
        type = _type_of(request)
        documents = self._documents.get(type)
        if documents is None:
            schema = self._schema(type)
            documents = FhirDocuments(schema, self._limits, self._schemas.resource)
            self._documents[type] = documents
        return documents.get(request.query)

    async def run(
        self,
        request: GraphQLRequest,
        operation: Operation,
        tracer: object = None,  # noqa: ARG002 - nothing is traced here
    ) -> FhirResult:
        """Execute a request; all failures are in the response's errors."""
        document = self.document(request)
        if document.node is None:
            return _refused(document.errors, document.code, operation)
        definition = document.operation(request.operation_name)
        if definition is None:
            text = "The document has no such operation: name one of those it has."
            return _refused((GraphQLError(text),), "BAD_USER_INPUT", operation)
        operation.elements = document.elements
        with self._tracing.operation(definition) as span:
            answer = await self._execute(request, document, operation)
            if answer.errors:
                span.fail(answer.errors[0]["extensions"]["code"])
        return answer

    async def _execute(
        self, request: GraphQLRequest, document: Document, operation: Operation
    ) -> FhirResult:
        context = FhirContext(operation, self._services)
        try:
            root = await self._root(request, document, context)
        except GatewayError as failure:
            return _failed(GraphQLError(failure.message, original_error=failure), operation)
        shapes = Shapes(context.steps) if self._directives and "@" in request.query else None
        result = await execute(self._executor(request, document, context, root, shapes))
        if shapes is not None and shapes.found and result.data is not None:
            result = _reshaped(result, shapes)
        return _answer(result, document, request, context)

    async def run_incremental(self, request: GraphQLRequest, operation: Operation) -> FhirResult:
        """Execute a request; this interface has no incremental delivery."""
        return await self.run(request, operation)

    async def _root(self, request: GraphQLRequest, document: Document, context: FhirContext) -> Any:
        """Return the resource at the root; raise if the caller may not read it."""
        fields = set(document.root_fields(request.operation_name))
        if isinstance(context.operation.principal, Anonymous) and fields - _INTROSPECTION:
            _ = context.operation.caller
        instance = getattr(request, "instance", None)
        if instance is None or not fields - _INTROSPECTION:
            return None if instance is None else {"resourceType": instance[0], "id": instance[1]}
        return await read_instance(context, *instance)

    def _executor(
        self,
        request: GraphQLRequest,
        document: Document,
        context: FhirContext,
        root: Any,
        shapes: Shapes | None,
    ) -> Any:
        node: Any = document.node
        executor: Any = CompilingExecutor.build(
            self._schema(_type_of(request)),
            node,
            root_value=root,
            context_value=context,
            raw_variable_values=dict(request.variables or {}),
            operation_name=request.operation_name,
            middleware=None if shapes is None else MiddlewareManager(shapes),
            hide_suggestions=self._limits.hide_suggestions,
        )
        if self._compiled and isinstance(executor, CompilingExecutor) and "@" not in request.query:
            executor.memo, executor.document = document.memo, node
        return executor

    def _schema(self, type: str | None) -> Any:
        return self._schemas.of_server() if type is None else self._schemas.of_instance(type)


def _type_of(request: GraphQLRequest) -> str | None:
    instance = getattr(request, "instance", None)
    return None if instance is None else instance[0]


def _answer(
    result: ExecutionResult, document: Document, request: GraphQLRequest, context: FhirContext
) -> FhirResult:
    errors = result.errors or []
    # Without a path an error is about the request: graphql-core could not coerce the variables.
    before = result.data is None and bool(errors) and all(e.path is None for e in errors)
    if before:
        return _refused(tuple(errors), "BAD_USER_INPUT", context.operation)
    shown = [shown_error(error, "INTERNAL_SERVER_ERROR", context.operation) for error in errors]
    status: int = HTTPStatus.OK
    kind = document.kind(request.operation_name)
    told = list(zip(errors, shown, strict=True))
    failed_roots = [pair for pair in told if len(pair[0].path or ()) == 1]
    if result.data is None and told:
        status = status_of(*told[0])
    elif kind is OperationType.MUTATION and failed_roots:
        status = status_of(*failed_roots[0])
    warnings = tuple(context.warnings)
    return FhirResult(
        executed=True, data=result.data, errors=shown, status=status, warnings=warnings
    )


def _reshaped(result: ExecutionResult, shapes: Shapes) -> ExecutionResult:
    """Return a result with the directives on its fields applied."""
    reshaping = Reshaping(shapes.found)
    data = reshaping.reshaped(result.data or {})
    return ExecutionResult(data, [*(result.errors or ()), *reshaping.errors] or None)


def _refused(errors: Sequence[GraphQLError], code: str, operation: Operation) -> FhirResult:
    """Return the response to an invalid request that was not executed."""
    shown = [shown_error(error, code, operation) for error in errors]
    return FhirResult(executed=False, data=None, errors=shown, status=_BAD_REQUEST)


def _failed(error: GraphQLError, operation: Operation) -> FhirResult:
    """Return the response to a request that was not executed for another reason."""
    shown = shown_error(error, "", operation)
    status = status_of(error, shown)
    return FhirResult(executed=False, data=None, errors=[shown], status=status)
