"""Compile a selection into functions that complete values.

A *completer* turns a resolved value into something that msgspec encodes to exactly the JSON that
graphql-core would produce. It raises for anything that it was not compiled for. Then graphql-core
executes the operation on the same values, so errors are always graphql-core's own.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from graphql import (
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLUnionType,
)

from group_gateway.execution.codecs import (
    DEFINITION,
    compile_struct,
    element_of,
    is_json_type,
)
from group_gateway.execution.completers import (
    Completer,
    Deoptimize,
    FlatCompleter,
    ResolvedField,
    after,
    complete_fields,
    integer,
    leaf,
    listed,
    nullable,
    required,
)
from group_gateway.execution.fields import Info, compile_resolver
from group_gateway.execution.selection import (
    Fields,
    NotCompilable,
    Selection,
    field_of,
    is_typename,
    text_of,
)
from group_gateway.fhir.fhir_resource import FhirResource
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.schema.group import Group
from group_gateway.schema.reference_resource import EntityStub

_RESOURCES = "ReferencedResource"
"""The union whose values know their types."""
_GROUP = "Group"
_LEAVES: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}


def compile_type(type: GraphQLOutputType, details: list[Any], selection: Selection) -> Completer:
    """Compile the completion of a type; raises NotCompilable."""
    if isinstance(type, GraphQLNonNull):
        return required(compile_type(type.of_type, details, selection))
    if isinstance(type, GraphQLList):
        return listed(compile_type(type.of_type, details, selection))
    if isinstance(type, GraphQLObjectType):
        return nullable(_compile_object(type, details, selection))
    if isinstance(type, GraphQLUnionType) and type.name == _RESOURCES:
        return _compile_union(type, details, selection)
    if isinstance(type, GraphQLScalarType) and type.name in _LEAVES:
        return nullable(leaf(_LEAVES[type.name]))
    if isinstance(type, GraphQLScalarType) and type.name == "Int":
        return nullable(integer)
    raise NotCompilable(f"a value of type {type}")


def _compile_object(type: GraphQLObjectType, details: list[Any], selection: Selection) -> Completer:
    key = (type.name, text_of(details))
    known: Completer | None = selection.compiled.get(key)
    if known is None:
        known = selection.compiled[key] = _compile_new(type, details, selection)
    return known


def _compile_new(type: GraphQLObjectType, details: list[Any], selection: Selection) -> Completer:
    fields = selection.subfields(type, details)
    if is_json_type(type):
        return _compile_json(type, fields, selection)
    if type.extensions[DEFINITION].origin is Group:
        return _compile_group(type, fields, selection)
    return compile_fields(type, fields, selection)


def _compile_json(type: GraphQLObjectType, fields: Fields, selection: Selection) -> Completer:
    """Compile a JSON object: in one pass, or field by field where one leads to a resource."""
    try:
        struct = compile_struct(type, fields, selection)
    except NotCompilable:
        complete = compile_fields(type, fields, selection)
        return lambda value, info: complete(_object(value), info)
    return lambda value, _: struct.shown(msgspec.convert(value, struct.read))


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Deoptimize
    return value


def _compile_union(union: GraphQLUnionType, details: list[Any], selection: Selection) -> Completer:
    """Compile a value of any type of a union, by the type that it is of."""
    types = selection.schema.get_possible_types(union)
    read = {type.name: _compile_read(type, details, selection) for type in types}
    by_name = {type.name: _compile_object(type, details, selection) for type in types}

    def complete(value: Any, info: Info) -> Any:
        if isinstance(value, GroupResource):
            return by_name[_GROUP](value, info)
        if not isinstance(value, FhirResource | EntityStub) or value.type not in by_name:
            raise Deoptimize
        decode = read[value.type]
        if decode is not None and isinstance(value, FhirResource):
            return decode(value.raw)
        return by_name[value.type](value, info)

    is_flat = all(decode is not None for name, decode in read.items() if name != _GROUP)
    return FlatCompleter(complete) if is_flat else nullable(complete)


def _compile_read(
    type: GraphQLObjectType, details: list[Any], selection: Selection
) -> Callable[[bytes], Any] | None:
    """Return what shows the elements of a resource straight from its bytes; None for others."""
    try:
        return compile_struct(type, selection.subfields(type, details), selection).from_json()
    except NotCompilable:
        return None


def _compile_group(type: GraphQLObjectType, fields: Fields, selection: Selection) -> Completer:
    """Compile a Group: its elements straight from the bytes, its other fields around them."""
    plain = {
        key: details
        for key, details in fields.items()
        if is_typename(details) or _is_element(type, key, details, selection)
    }
    struct = compile_struct(type, plain, selection)
    decode = struct.from_json()
    if len(plain) == len(fields):
        return lambda group, _: decode(_raw(group))
    others = compile_fields(
        type, {key: details for key, details in fields.items() if key not in plain}, selection
    )
    keys = list(fields)
    attributes = list(zip(plain, struct.show.__struct_fields__, strict=True))

    def complete(group: Any, info: Info) -> Any:
        elements = decode(_raw(group))
        shown = {key: getattr(elements, attribute) for key, attribute in attributes}

        def finish(rest: dict[str, Any]) -> dict[str, Any]:
            shown.update(rest)
            return {key: shown[key] for key in keys}

        return after(others(group, info), finish)

    return complete


def _is_element(
    type: GraphQLObjectType, key: str, details: list[Any], selection: Selection
) -> bool:
    """Return whether a field is an element in which nothing leads to a resource."""
    definition = field_of(type, details).extensions[DEFINITION]
    if element_of(definition, details[0].node) is None:
        return False
    try:
        compile_struct(type, {key: details}, selection)
    except NotCompilable:
        return False
    return True


def _raw(group: object) -> bytes:
    if not isinstance(group, GroupResource):
        raise Deoptimize
    return group.raw


def compile_fields(type: GraphQLObjectType, fields: Fields, selection: Selection) -> Completer:
    """Compile an object whose fields are resolved one by one."""
    constants: dict[str, str] = {}
    resolved: list[ResolvedField] = []
    for key, details in fields.items():
        if is_typename(details):
            constants[key] = type.name
            continue
        field = field_of(type, details)
        completer = compile_type(field.type, details, selection)
        resolver = compile_resolver(field, details[0].node, selection)
        resolved.append((key, resolver, completer, isinstance(field.type, GraphQLNonNull)))
    empty = {key: constants.get(key) for key in fields}  # in the order of the answer
    return complete_fields(empty, resolved)
