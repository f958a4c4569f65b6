"""The dense form of references: `resource(type: Patient) {birthDate}` without a fragment.

HL7's page selects fields of a resource right below `resource`, an interface that has few fields.
Before validation each such field moves into inline fragments on the types that have it.
"""

from typing import Any, Final

from graphql import (
    EnumValueNode,
    FieldNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    NamedTypeNode,
    NameNode,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    get_named_type,
    is_leaf_type,
)

from group_gateway.fhir_graphql.model import load_model

_TYPE: Final = "type"
MOST_FIELDS: Final = 20_000
"""Fields of an expanded document, at most."""


class TooManyFields(Exception):
    """A document expands to too many fields."""


class DenseForm:
    """Expand the selections below one interface, in documents of one schema."""

    def __init__(self, schema: GraphQLSchema, interface: GraphQLInterfaceType) -> None:
        self._interface = interface
        self._types = sorted(schema.get_possible_types(interface), key=lambda t: t.name)
        self._left = MOST_FIELDS

    def expanded(self, field: FieldNode) -> FieldNode:
        """Return a field of the interface's type with its selections in fragments."""
        if field.selection_set is None:
            return field
        wanted = self._named_types(field)
        selections: list[SelectionNode] = []
        moved: dict[str, list[SelectionNode]] = {}
        expanded = False
        for selection in field.selection_set.selections:
            homes = self._homes(selection, wanted)
            if not homes:
                selections += _fragments(moved)
                moved = {}
                selections.append(selection)
            expanded = expanded or bool(homes)
            for home in homes:
                moved.setdefault(home.name, []).append(selection)
                self._spend(selection)
        selections += _fragments(moved)
        if not expanded:
            return field
        location = field.selection_set.loc
        selection_set = SelectionSetNode(selections=tuple(selections), loc=location)
        copied: FieldNode = replaced(field, selection_set=selection_set)
        return copied

    def _spend(self, node: Any) -> None:
        """Count the fields of a selection that is copied."""
        stack = [node]
        while stack:
            item = stack.pop()
            self._left -= 1
            if self._left < 0:
                raise TooManyFields
            if getattr(item, "selection_set", None) is not None:
                stack += item.selection_set.selections

    def _homes(
        self, selection: SelectionNode, wanted: frozenset[str] | None
    ) -> list[GraphQLObjectType]:
        """Return the types that a field of the dense form belongs to; none for any other field."""
        if not isinstance(selection, FieldNode) or selection.name.value.startswith("__"):
            return []
        if selection.name.value in self._interface.fields:
            return []
        return [
            type
            for type in self._types
            if (wanted is None or type.name in wanted) and _fits(type, selection)
        ]

    def _named_types(self, field: FieldNode) -> frozenset[str] | None:
        """Return the types that the field's own argument names; None if that is unknowable."""
        for argument in field.arguments or ():
            if argument.name.value == _TYPE:
                return _literals(argument.value)
        return None


def _literals(value: ValueNode) -> frozenset[str] | None:
    """Return the types that a literal names; None for a variable, and for an unknown type."""
    names: set[str] = set()
    for item in value.values if isinstance(value, ListValueNode) else (value,):
        if not isinstance(item, EnumValueNode | StringValueNode):
            return None
        names.add(item.value)
    return frozenset(names) if names <= load_model().resources else None


def _fits(type: Any, field: FieldNode) -> bool:
    """Return whether a type has a field, its arguments, and everything selected below it."""
    definition = type.fields.get(field.name.value) if hasattr(type, "fields") else None
    if definition is None:
        return field.name.value == "__typename"
    if any(argument.name.value not in definition.args for argument in field.arguments or ()):
        return False
    below = get_named_type(definition.type)
    if field.selection_set is None or is_leaf_type(below):
        return field.selection_set is None and is_leaf_type(below)
    if isinstance(below, GraphQLInterfaceType):
        return True  # a reference inside, in its own dense form
    return all(
        not isinstance(selection, FieldNode) or _fits(below, selection)
        for selection in field.selection_set.selections
    )


def _fragments(moved: dict[str, list[SelectionNode]]) -> list[SelectionNode]:
    """Return an inline fragment for each type."""
    return [_fragment(name, nodes) for name, nodes in moved.items()]


def _fragment(type_name: str, selections: list[SelectionNode]) -> InlineFragmentNode:
    location = selections[0].loc
    return InlineFragmentNode(
        type_condition=NamedTypeNode(name=NameNode(value=type_name, loc=location), loc=location),
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(selections), loc=location),
        loc=location,
    )


def replaced(node: Any, **changes: Any) -> Any:
    """Return a copy of a syntax node with some parts exchanged."""
    parts = {key: getattr(node, key) for key in (*node.keys, "loc")}
    return type(node)(**{**parts, **changes})
