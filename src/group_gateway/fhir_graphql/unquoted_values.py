"""Unquoted values, as HL7's page writes them: names without quotes in place of strings.

Before validation, `Group(id: x)` and `name(use: official)` become `Group(id: "x")` and `name(use:
"official")`, also in lists and input objects.
"""

from typing import Any

from graphql import (
    DocumentNode,
    EnumValueNode,
    FieldNode,
    GraphQLBoolean,
    GraphQLFloat,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLScalarType,
    GraphQLSchema,
    Node,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)

from group_gateway.fhir_graphql.dense_form import DenseForm
from group_gateway.fhir_graphql.fhir_scalars import DECIMAL

_OTHER_SCALARS = (GraphQLBoolean, GraphQLFloat, GraphQLInt, DECIMAL)


def prepared(
    document: DocumentNode, schema: GraphQLSchema, interface: GraphQLInterfaceType
) -> DocumentNode:
    """Return a document with quoted values and without the dense form."""
    info = TypeInfo(schema)
    dense = DenseForm(schema, interface)
    result: DocumentNode = visit(document, TypeInfoVisitor(info, _Preparation(info, dense)))
    return result


class _Preparation(Visitor):
    """Rewrites fields on the way down, and values where they stand."""

    def __init__(self, info: TypeInfo, dense: DenseForm) -> None:
        super().__init__()
        self._info = info
        self._dense = dense

    def enter_field(self, node: FieldNode, *_: Any) -> Node | None:
        """Expand the selections below an interface."""
        if not isinstance(get_named_type(self._info.get_type()), GraphQLInterfaceType):
            return None
        expanded = self._dense.expanded(node)
        return None if expanded is node else expanded

    def enter_enum_value(self, node: EnumValueNode, *_: Any) -> Node | None:
        """Turn a name into a string where one is expected."""
        named = get_named_type(self._info.get_input_type())
        if isinstance(named, GraphQLScalarType) and named not in _OTHER_SCALARS:
            return StringValueNode(value=node.value, block=False, loc=node.loc)
        return None
