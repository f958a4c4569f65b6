"""Plans: operations that run without graphql-core, as long as every value is as expected.

A plan belongs to an operation of a document and to the values of the variables that its `@skip` and
`@include` depend on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CoroutineType
from typing import Any

import msgspec
from graphql import (
    GraphQLError,
    GraphQLSchema,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)
from graphql.execution.values import get_variable_values

from group_gateway.execution.codecs import DEFINITION
from group_gateway.execution.compiler import compile_fields
from group_gateway.execution.completers import Completer, complete_reads
from group_gateway.execution.fields import Info
from group_gateway.execution.plan_fallbacks import PlanFallback, PlanFallbacks, VariablesMisfit
from group_gateway.execution.selection import NotCompilable, Selection, variable_values
from group_gateway.schema.context import Context

MOST_PLANS = 16
"""Plans of one operation: more combinations of conditions than any client's document has."""

_encode = msgspec.json.Encoder().encode
_Coerce = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(slots=True)
class Planning:
    """What all plans of a schema share, and how their runs ended.

    `compiled` counts the operations that a plan answered, `deoptimized` those that a plan gave up.
    """

    schema: GraphQLSchema
    fallbacks: PlanFallbacks
    compiled: int = 0
    deoptimized: int = 0


class OperationPlans:
    """The plans of one operation, made when they are first needed. Only queries have any."""

    def __init__(
        self, planning: Planning, document: Any, operation: OperationDefinitionNode
    ) -> None:
        self._planning = planning
        self._document = document
        self._operation = operation
        self._is_query = operation.operation is OperationType.QUERY
        self._coerce = _coercer(planning.schema, operation)
        self._conditions = _condition_variables(document)
        self._plans: dict[tuple[Any, ...], Completer | None] = {}
        self._strawberry = planning.schema.extensions[DEFINITION]

    async def run(self, context: Context, inputs: Mapping[str, Any]) -> bytes | None:
        """Return the encoded `data`; None when graphql-core must execute the operation."""
        if not self._is_query:
            return None
        try:
            variables = self._coerce(inputs)
            plan = self._plan(variables)
            if plan is None:
                self._planning.fallbacks.add(self._why_none(variables))
                return None
            info = Info(context, variables, self._strawberry)
            data = plan(None, info)
            if type(data) is CoroutineType:
                data = await data
            if info.reads:
                await complete_reads(info)
            encoded = _encode(data)
        except Exception as failure:  # noqa: BLE001 - graphql-core executes again and says it
            self._planning.fallbacks.add_failure(failure)
            self._planning.deoptimized += 1
            return None
        self._planning.compiled += 1
        return encoded

    def _plan(self, variables: dict[str, Any]) -> Completer | None:
        key = self._key(variables)
        if key not in self._plans:
            if len(self._plans) >= MOST_PLANS:
                return None
            self._plans[key] = self._compile(variables)
        return self._plans[key]

    def _key(self, variables: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(map(variables.get, self._conditions))

    def _why_none(self, variables: dict[str, Any]) -> PlanFallback:
        is_known = self._key(variables) in self._plans
        return PlanFallback.NOT_COMPILABLE if is_known else PlanFallback.TOO_MANY_PLANS

    def _compile(self, variables: dict[str, Any]) -> Completer | None:
        conditions = {name: variables[name] for name in self._conditions if name in variables}
        schema = self._planning.schema
        selection = Selection(schema, self._document, self._operation, variable_values(conditions))
        root = schema.query_type
        try:
            return compile_fields(root, selection.root_fields(root), selection) if root else None
        except (NotCompilable, GraphQLError):  # the latter: a condition that is null
            return None


def _condition_variables(document: Any) -> list[str]:
    """Return the variables that `@skip`, `@include` and `@defer` of a document depend on.

    A plan answers as a whole and ignores `@stream`, but it must know when the condition of a
    `@defer` is null.
    """
    names: dict[str, None] = {}

    class Conditions(Visitor):
        """A visitor that collects variables of directives."""

        def enter_directive(self, node: Any, *_: Any) -> None:
            """Collect the variables of one directive."""
            for argument in node.arguments or () if node.name.value != "stream" else ():
                if isinstance(argument.value, VariableNode):
                    names[argument.value.name.value] = None

    visit(document, Conditions())
    return list(names)


_KINDS: dict[str, type] = {"ID": str, "String": str, "Int": int, "Boolean": bool}


def _coercer(schema: GraphQLSchema, operation: OperationDefinitionNode) -> _Coerce:
    """Return the function that coerces variables: a direct one if coercion changes nothing."""
    definitions = operation.variable_definitions or ()
    simple = [_simple(definition) for definition in definitions]

    def generic(inputs: Mapping[str, Any]) -> dict[str, Any]:
        values = get_variable_values(schema, definitions, dict(inputs))
        if isinstance(values, list):
            raise VariablesMisfit
        return values.coerced

    if None in simple:
        return generic
    known = [entry for entry in simple if entry is not None]

    def direct(inputs: Mapping[str, Any]) -> dict[str, Any]:
        coerced: dict[str, Any] = {}
        for name, kind, required in known:
            value = inputs.get(name)
            if type(value) is kind and (kind is not int or _in_range(value)):
                coerced[name] = value
            elif value is None and not required:
                if name in inputs:
                    coerced[name] = None
            else:
                return generic(inputs)
        return coerced

    return direct


def _simple(definition: VariableDefinitionNode) -> tuple[str, type, bool] | None:
    """Return name, Python type and whether it is required; None for other types and defaults."""
    required = isinstance(definition.type, NonNullTypeNode)
    kind = _KINDS.get(print_ast(definition.type).rstrip("!"))
    if kind is None or definition.default_value is not None:
        return None
    return definition.variable.name.value, kind, required


def _in_range(value: Any) -> bool:
    """Return whether a number is a GraphQL Int."""
    return bool(-(2**31) <= value < 2**31)
