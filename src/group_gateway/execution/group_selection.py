"""The elements of groups that a document selects."""

from collections.abc import Iterator
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

from group_gateway.fhir.group_elements import RESOURCE_ELEMENTS

_GROUP: Final = "Group"
_SHOWN_BY: Final = {
    "members": frozenset({"member"}),
    "responsibilities": frozenset({"characteristic"}),
    "version": RESOURCE_ELEMENTS,
}
"""The elements of a group that fields with other names show."""


def selected_elements(schema: GraphQLSchema, document: DocumentNode) -> frozenset[str]:
    """Return the elements that a valid document selects of any group."""
    fields = set(_fields_of_groups(schema, document))
    return (RESOURCE_ELEMENTS & fields).union(*(_SHOWN_BY.get(name, ()) for name in fields))


def _fields_of_groups(schema: GraphQLSchema, document: DocumentNode) -> Iterator[str]:
    """Yield the fields selected on the type Group, fragments included."""
    left = list(_roots(schema, document))
    while left:
        parent, selections = left.pop()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                name = node.name.value
                if parent.name == _GROUP:
                    yield name
                field = getattr(parent, "fields", {}).get(name)
                if field is not None and node.selection_set is not None:
                    left.append((get_named_type(field.type), node.selection_set))
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                kind = parent if condition is None else schema.type_map[condition.name.value]
                left.append((kind, node.selection_set))


def _roots(
    schema: GraphQLSchema, document: DocumentNode
) -> Iterator[tuple[GraphQLNamedType, SelectionSetNode]]:
    """Yield the selections of operations and fragments, each with the type that it is on."""
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            root = schema.get_root_type(definition.operation)
            if root is not None:
                yield root, definition.selection_set
        elif isinstance(definition, FragmentDefinitionNode):
            condition = definition.type_condition.name.value
            yield schema.type_map[condition], definition.selection_set
