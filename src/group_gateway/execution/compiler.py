"""Compile a selection into functions that complete values.

A *completer* turns a resolved value into something that msgspec encodes to exactly the JSON that
graphql-core would produce. It raises for anything that it was not compiled for. Then graphql-core
executes the operation on the same values, so errors are always graphql-core's own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from graphql import (
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
)
from graphql.pyutils import is_awaitable

from group_gateway.execution.codecs import (
    DEFINITION,
    compile_struct,
    element_of,
    is_json_type,
)
from group_gateway.execution.fields import Info, Resolver, compile_resolver
from group_gateway.execution.selection import (
    Fields,
    NotCompilable,
    Selection,
    field_of,
    is_typename,
    text_of,
)
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.schema.group import Group

Completer = Callable[[Any, Info], Any]
_Resolved = tuple[str, Resolver, Completer, bool]
"""A field's response key, resolver and completer, and whether it can't be null."""
_LEAVES: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}


class Deoptimize(Exception):
    """A value is not what the plan was compiled for."""


def compile_type(type: GraphQLOutputType, details: list[Any], selection: Selection) -> Completer:
    """Compile the completion of a type; raises NotCompilable."""
    if isinstance(type, GraphQLNonNull):
        return _required(compile_type(type.of_type, details, selection))
    if isinstance(type, GraphQLList):
        return _listed(compile_type(type.of_type, details, selection))
    if isinstance(type, GraphQLObjectType):
        return _nullable(_compile_object(type, details, selection))
    if isinstance(type, GraphQLScalarType) and type.name in _LEAVES:
        return _nullable(_leaf(_LEAVES[type.name]))
    if isinstance(type, GraphQLScalarType) and type.name == "Int":
        return _nullable(_int)
    raise NotCompilable(f"a value of type {type}")


def _compile_object(type: GraphQLObjectType, details: list[Any], selection: Selection) -> Completer:
    question = (type.name, text_of(details))
    known: Completer | None = selection.compiled.get(question)
    if known is None:
        known = selection.compiled[question] = _compile_new(type, details, selection)
    return known


def _compile_new(type: GraphQLObjectType, details: list[Any], selection: Selection) -> Completer:
    fields = selection.subfields(type, details)
    if is_json_type(type):
        struct = compile_struct(type, fields, selection)
        return lambda value, _: struct.shown(msgspec.convert(value, struct.read))
    if type.extensions[DEFINITION].origin is Group:
        return _compile_group(type, fields, selection)
    return compile_fields(type, fields, selection)


def _compile_group(type: GraphQLObjectType, fields: Fields, selection: Selection) -> Completer:
    """Compile a Group: its elements straight from the bytes, its other fields around them."""
    plain = {
        key: details
        for key, details in fields.items()
        if is_typename(details) or _is_element(type, details)
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
        shown.update(others(group, info))
        return {key: shown[key] for key in keys}

    return complete


def _is_element(type: GraphQLObjectType, details: list[Any]) -> bool:
    definition = field_of(type, details).extensions[DEFINITION]
    return element_of(definition, details[0].node) is not None


def _raw(group: object) -> bytes:
    if not isinstance(group, GroupResource):
        raise Deoptimize
    return group.raw


def compile_fields(type: GraphQLObjectType, fields: Fields, selection: Selection) -> Completer:
    """Compile an object whose fields are resolved one by one."""
    constants: dict[str, str] = {}
    resolved: list[_Resolved] = []
    for key, details in fields.items():
        if is_typename(details):
            constants[key] = type.name
            continue
        field = field_of(type, details)
        completer = compile_type(field.type, details, selection)
        resolver = compile_resolver(field, details[0].node, selection)
        resolved.append((key, resolver, completer, isinstance(field.type, GraphQLNonNull)))
    empty = {key: constants.get(key) for key in fields}  # in the order of the answer
    return _resolver(empty, resolved)


def _resolver(empty: dict[str, Any], fields: list[_Resolved]) -> Completer:
    """Return the function that resolves and completes fields, some of which may be awaited.

    If a field fails, the siblings that graphql-core would resolve are resolved too. Their results
    are kept in the context, so that the fallback run sends no additional upstream calls.
    """

    def complete(source: Any, info: Info) -> Any:
        shown: dict[str, Any] = empty.copy()
        waiting: list[Awaitable[None]] = []
        failure: Exception | None = None
        for key, resolve, completer, required in fields:
            try:
                value = resolve(source, info)
                if is_awaitable(value):
                    waiting.append(_resolved(shown, key, value, completer, info))
                    continue
                shown[key] = value = completer(value, info)
                if is_awaitable(value):
                    waiting.append(_completed(shown, key, value))
            except Exception as error:  # noqa: BLE001 - raised below
                failure = error
                if required:
                    break
        if waiting:
            return _settled(shown, waiting, failure)
        if failure is not None:
            raise failure
        return shown

    return complete


async def _resolved(
    shown: dict[str, Any], key: str, value: Awaitable[Any], complete: Completer, info: Info
) -> None:
    """Wait for a field's value, and complete it."""
    completed = complete(await value, info)
    shown[key] = await completed if is_awaitable(completed) else completed


async def _completed(shown: dict[str, Any], key: str, value: Awaitable[Any]) -> None:
    shown[key] = await value


async def _settled(
    shown: dict[str, Any], waiting: list[Awaitable[None]], failure: Exception | None
) -> dict[str, Any]:
    """Wait for all fields, even if one has failed; then raise the failure."""
    if failure is None and len(waiting) == 1:
        await waiting[0]
        return shown
    for outcome in (failure, *await asyncio.gather(*waiting, return_exceptions=True)):
        if outcome is not None:
            raise outcome
    return shown


def _required(complete: Completer) -> Completer:
    def required(value: Any, info: Info) -> Any:
        if value is None:
            raise Deoptimize
        return complete(value, info)

    return required


def _nullable(complete: Completer) -> Completer:
    return lambda value, info: None if value is None else complete(value, info)


def _listed(complete: Completer) -> Completer:
    def listed(value: Any, info: Info) -> Any:
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            raise Deoptimize
        return [complete(item, info) for item in value]

    return listed


def _leaf(kind: type) -> Completer:
    def leaf(value: Any, _: Info) -> Any:
        if type(value) is not kind:
            raise Deoptimize
        return value

    return leaf


def _int(value: Any, _: Info) -> Any:
    if type(value) is not int or not -(2**31) <= value < 2**31:
        raise Deoptimize
    return value
