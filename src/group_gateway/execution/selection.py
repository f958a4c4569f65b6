"""What an operation selects, collected by graphql-core itself.

Fragments and equal response keys are never merged here: a plan that merged otherwise than
graphql-core would answer otherwise.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues

Fields = dict[str, list[FieldDetails]]


class NotCompilable(Exception):
    """The selection holds something that only graphql-core can complete."""


@dataclass(frozen=True, slots=True)
class Selection:
    """One operation under fixed values of the variables in its `@skip` and `@include`.

    `compiled` maps the text of a selection to what was compiled for it: aliased fields often select
    the same.
    """

    schema: GraphQLSchema
    document: DocumentNode
    operation: OperationDefinitionNode
    variables: VariableValues
    compiled: dict[Hashable, Any] = field(default_factory=dict)

    def root_fields(self, type: GraphQLObjectType) -> Fields:
        """Return the root fields by response key, in response order."""
        collected = collect_fields(
            self.schema, self._fragments(), self.variables, type, self.operation
        )
        return dict(collected.grouped_field_set)

    def subfields(self, type: GraphQLObjectType, fields: list[FieldDetails]) -> Fields:
        """Return the fields below fields of one response key."""
        collected = collect_subfields(
            self.schema, self._fragments(), self.variables, self.operation, type, fields
        )
        return dict(collected.grouped_field_set)

    def _fragments(self) -> dict[str, FragmentDetails]:
        return {
            node.name.value: FragmentDetails(node)
            for node in self.document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }


def text_of(fields: list[FieldDetails]) -> tuple[str, ...]:
    """Return the text of the fields of one response key: equal texts select the same."""
    locations = [f.node.selection_set.loc for f in fields if f.node.selection_set is not None]
    return tuple(loc.source.body[loc.start : loc.end] for loc in locations if loc is not None)


def field_of(type: GraphQLObjectType, fields: list[FieldDetails]) -> GraphQLField:
    """Return the definition of a field; raises NotCompilable for `__schema` and `__type`."""
    field: GraphQLField | None = type.fields.get(fields[0].node.name.value)
    if field is None:
        raise NotCompilable("an introspection field")
    return field


def is_typename(fields: list[FieldDetails]) -> bool:
    """Return whether a field is `__typename`."""
    return fields[0].node.name.value == "__typename"


def variable_values(coerced: Mapping[str, Any]) -> VariableValues:
    """Wrap coerced values in graphql-core's type."""
    return VariableValues({}, dict(coerced))
