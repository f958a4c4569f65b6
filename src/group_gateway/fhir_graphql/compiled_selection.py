"""Compiled selections of plain elements: JSON in, the selected JSON out, in one pass of C code.

A selection without arguments and directives becomes a msgspec Struct, whose fields are the selected
elements in response order, as strict as FHIR. graphql-core handles what does not fit, and reports
the error.
"""

from collections.abc import Callable, Hashable
from typing import Annotated, Any, Final, Literal

import msgspec
from graphql import (
    GraphQLBoolean,
    GraphQLID,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
)

from group_gateway.execution.incremental import WholeExecutor
from group_gateway.execution.selection import NotCompilable, Selection, field_of, is_typename
from group_gateway.fhir.group_resource import UNREADABLE
from group_gateway.fhir_graphql.element_types import PLAIN
from group_gateway.fhir_graphql.fhir_context import LazyResource
from group_gateway.fhir_graphql.fhir_scalars import DECIMAL

Memo = dict[Hashable, Any]
"""What was compiled for the selections of one document."""
_INT: Final = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_SCALARS: Final[dict[GraphQLScalarType, Any]] = {
    GraphQLID: str,
    GraphQLInt: _INT,
    GraphQLBoolean: bool,
}


class CompiledSelection:
    """One selection on objects of one type."""

    def __init__(self, struct: type[msgspec.Struct]) -> None:
        self._struct = struct
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(struct).decode

    def shown(self, value: Any) -> Any:
        """Return what to encode for an object; raise an error of `UNREADABLE` if it is invalid."""
        if isinstance(value, LazyResource):
            return self._decode(value.raw)
        return msgspec.convert(value, self._struct)


class CompilingExecutor(WholeExecutor):
    """graphql-core's executor, which completes plain objects by compiled selections.

    `memo` is that of `document`; None if its selections depend on directives.
    """

    memo: Memo | None = None
    document: Any = None

    def complete_object_value(  # noqa: PLR0913, PLR0917 - graphql-core's interface
        self,
        return_type: GraphQLObjectType,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """See graphql-core."""
        compiled = self._compiled(return_type, field_details_list)
        if compiled is not None:
            try:
                return compiled.shown(result)
            except UNREADABLE:
                pass
        return super().complete_object_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def _compiled(self, type: GraphQLObjectType, details: Any) -> CompiledSelection | None:
        if self.memo is None:
            return None
        key = (type.name, *[id(field.node) for field in details])
        if key not in self.memo:
            selection = Selection(self.schema, self.document, self.operation, self.variable_values)
            try:
                self.memo[key] = CompiledSelection(_struct(type, details, selection))
            except NotCompilable:
                self.memo[key] = None
        compiled: CompiledSelection | None = self.memo[key]
        return compiled


def _struct(type: GraphQLObjectType, details: Any, selection: Selection) -> type[msgspec.Struct]:
    """Return the struct of a selection; raise NotCompilable."""
    fields: list[tuple[str, Any, Any]] = []
    names: dict[str, str] = {}
    for index, (key, inner) in enumerate(selection.subfields(type, details).items()):
        attribute = f"f{index}"
        names[attribute] = key
        if is_typename(inner):
            fields.append((attribute, Literal[type.name], type.name))
            continue
        field = field_of(type, inner)
        if PLAIN not in field.extensions or key != inner[0].node.name.value:
            raise NotCompilable("a field that is more than an element")
        if any(detail.node.arguments for detail in inner):
            raise NotCompilable("a field with arguments")
        kind = _type(field.type, inner, selection)
        if isinstance(field.type, GraphQLNonNull):
            fields.append((attribute, kind, msgspec.NODEFAULT))
        else:
            fields.append((attribute, kind | None, None))
    plain = [(n, t) if d is msgspec.NODEFAULT else (n, t, d) for n, t, d in fields]
    # Tracked by no garbage collector: the values are trees, and there are many of them.
    return msgspec.defstruct(type.name, plain, rename=names, kw_only=True, gc=False)


def _type(type: GraphQLOutputType, details: Any, selection: Selection) -> Any:
    if isinstance(type, GraphQLNonNull):
        return _type(type.of_type, details, selection)
    if isinstance(type, GraphQLList):
        item: Any = _type(type.of_type, details, selection)
        return list[item | None]
    if isinstance(type, GraphQLObjectType):
        return _struct(type, details, selection)
    if isinstance(type, GraphQLScalarType) and type is not DECIMAL:
        return _SCALARS.get(type, str)
    raise NotCompilable(f"a value of type {type}")
