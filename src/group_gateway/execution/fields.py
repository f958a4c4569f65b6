"""Fields with a resolver, called without graphql-core: the same function, the same arguments.

Strawberry decides what a resolver is, and what its arguments are in Python.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    NonNullTypeNode,
    OperationDefinitionNode,
    VariableNode,
    get_nullable_type,
)
from graphql.execution.values import get_argument_values
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from group_gateway.execution.codecs import DEFINITION, element_of
from group_gateway.execution.selection import NotCompilable, Selection, variable_values
from group_gateway.resources.resource_loader import PendingResource
from group_gateway.schema.context import Context
from group_gateway.schema.elements import ElementField, default_resolver

OpenField = tuple[dict[str, Any], str, PendingResource, Callable[[Any, Any], Any]]
"""A field that waits for a resource: its object, response key, read, and completion."""


class Info(msgspec.Struct, frozen=True):
    """The `info` of a resolver on the compiled path, without the field's path.

    A resolver that needs its path, to report an error, fails on it; graphql-core then executes the
    operation. `reads` are the fields that wait for a resource.
    """

    context: Context
    variables: Mapping[str, Any]
    schema: Any
    reads: list[OpenField] = msgspec.field(default_factory=list)


Resolver = Callable[[Any, Info], Any]


def compile_resolver(field: GraphQLField, node: FieldNode, selection: Selection) -> Resolver:
    """Compile the call of a field's resolver; raises NotCompilable."""
    definition = field.extensions[DEFINITION]
    resolve = _compile_call(field, definition, node, selection)
    element = element_of(definition, node)
    named = get_nullable_type(field.type)
    kind = dict if isinstance(named, GraphQLObjectType) else _AS_THEY_ARE.get(str(named))
    if element is None or kind is None:
        return resolve
    shown: type = kind

    def read(source: Any, info: Info) -> Any:
        value = source.get(element) if type(source) is dict else None
        return value if type(value) is shown else resolve(source, info)

    return read


_AS_THEY_ARE: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}
"""Scalars whose elements are shown as they are."""


def _compile_call(
    field: GraphQLField, definition: Any, node: FieldNode, selection: Selection
) -> Resolver:
    resolver = definition.base_resolver
    if definition.extensions or definition.permission_classes:
        raise NotCompilable("a field with extensions")
    if resolver is None:
        if isinstance(definition, ElementField):
            return lambda source, info: definition.get_result(source, info, (), {})
        if type(definition) is not StrawberryField:
            raise NotCompilable("a field with a way of its own")
        name = definition.python_name
        return lambda source, _: default_resolver(source, name)
    function = resolver.wrapped_func
    info_name = resolver.info_parameter.name if resolver.info_parameter else None
    parent_name = resolver.parent_parameter.name if resolver.parent_parameter else None
    arguments = _arguments(field, node, selection)

    if parent_name is not None and info_name is not None and not definition.arguments:
        return lambda source, info: function(**{parent_name: source, info_name: info})

    def resolve(source: Any, info: Info) -> Any:
        given = arguments(info)
        if parent_name is not None:
            given[parent_name] = source
        if info_name is not None:
            given[info_name] = info
        return function(**given)

    return resolve


def _arguments(
    field: GraphQLField, node: FieldNode, selection: Selection
) -> Callable[[Info], dict[str, Any]]:
    """Return a function that evaluates a field's arguments: once, if they hold no variable."""
    definition = field.extensions[DEFINITION]
    strawberry = selection.schema.extensions[DEFINITION]
    registry = strawberry.schema_converter.scalar_registry

    def evaluate(variables: Mapping[str, Any]) -> dict[str, Any]:
        values = get_argument_values(field, node, variable_values(variables))
        return convert_arguments(values, definition.arguments, registry, strawberry.config)

    if not _holds_variable(node):
        constant = evaluate({})
        return lambda _: dict(constant)
    direct = _direct_variables(field, node, selection.operation)
    if direct is not None:
        return lambda info: {
            name: info.variables[variable]
            for name, variable in direct
            if variable in info.variables
        }
    return lambda info: evaluate(info.variables)


_SAME_IN_PYTHON = frozenset({"ID", "String", "Int", "Boolean"})


def _direct_variables(
    field: GraphQLField, node: FieldNode, operation: OperationDefinitionNode
) -> list[tuple[str, str]] | None:
    """Return (argument, variable) pairs if every argument is a variable without coercion.

    Such a variable has a plain scalar type, is null only where the argument may be, and its
    argument has the same name in Python.
    """
    definitions = operation.variable_definitions or ()
    never_null = {d.variable.name.value for d in definitions if isinstance(d.type, NonNullTypeNode)}
    names = {a.python_name for a in field.extensions[DEFINITION].arguments}
    pairs = []
    for argument in node.arguments or ():
        name, value, type = (
            argument.name.value,
            argument.value,
            field.args[argument.name.value].type,
        )
        if not isinstance(value, VariableNode) or name not in names:
            return None
        if isinstance(type, GraphQLNonNull) and value.name.value not in never_null:
            return None
        if str(get_nullable_type(type)) not in _SAME_IN_PYTHON:
            return None
        pairs.append((name, value.name.value))
    return pairs


def _holds_variable(node: FieldNode) -> bool:
    stack: list[Any] = [argument.value for argument in node.arguments or ()]
    while stack:
        value = stack.pop()
        if isinstance(value, VariableNode):
            return True
        stack += getattr(value, "values", ())
        stack += [field.value for field in getattr(value, "fields", ())]
    return False
