"""Documents: parsed, limited and validated once, in a bounded cache."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    NoFragmentCyclesRule,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)

from group_gateway.bounded_lru import BoundedLRU
from group_gateway.errors import RequestCode
from group_gateway.execution.compiled_plans import OperationPlans, Planning
from group_gateway.execution.document_limits import (
    INTROSPECTION_TOKENS,
    DocumentLimits,
    FragmentCycle,
    excess,
    only_introspects,
    too_large,
)
from group_gateway.execution.group_selection import selected_elements
from group_gateway.execution.incremental import has_incremental_directives
from group_gateway.fhir.group_elements import RESOURCE_ELEMENTS

_TOO_MANY_TOKENS = "Syntax Error: Document contains more than"
_BASE, _OVERHEAD = 20_000, 140
"""Bytes that a document takes, and those for each byte of its text, its plan included: measured."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document, or its errors; `is_incremental` if it needs incremental delivery.

    `elements` are those of groups that it may select.
    """

    node: DocumentNode | None
    errors: tuple[GraphQLError, ...]
    code: str = ""
    is_incremental: bool = False
    elements: frozenset[str] = RESOURCE_ELEMENTS
    parsed: DocumentNode | None = None
    """The document as it was parsed, whether or not it is valid."""
    memo: dict[Hashable, Any] = field(default_factory=dict)
    """What was compiled for its selections outside plans."""
    _plans: dict[str | None, OperationPlans] = field(default_factory=dict)
    _operations: dict[str | None, OperationDefinitionNode] = field(default_factory=dict)

    def plans(self, planning: Planning, name: str | None) -> OperationPlans | None:
        """Return the plans of the operation of that name; None when there is no such operation."""
        plans = self._plans.get(name)
        if plans is None and (operation := self.operation(name)) is not None:
            plans = self._plans[name] = OperationPlans(planning, self.node, operation)
        return plans

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """Return the operation of that name, or the only one; None when there is no such."""
        try:
            return self._operations[name]
        except KeyError:
            operation = _operation(self.node, name)
            if operation is not None:  # clients may send any number of unknown names
                self._operations[name] = operation
            return operation

    def root_fields(self, name: str | None) -> tuple[str, ...]:
        """Return the names of an operation's root fields, as the schema has them."""
        operation = self.operation(name)
        fragments = {
            d.name.value: d
            for d in (self.node.definitions if self.node else ())
            if isinstance(d, FragmentDefinitionNode)
        }
        names: dict[str, None] = {}
        sets = [operation.selection_set] if operation else []
        while sets:
            for node in sets.pop().selections:
                if isinstance(node, FieldNode):
                    names[node.name.value] = None
                elif isinstance(node, InlineFragmentNode):
                    sets.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode):
                    fragment = fragments.pop(node.name.value, None)  # computed once
                    sets += [fragment.selection_set] if fragment else []
        return tuple(names)

    def kind(self, name: str | None) -> OperationType | None:
        """Return the type of the operation of that name: query, mutation or subscription."""
        operation = self.operation(name)
        return operation.operation if operation is not None else None

    def mutates(self, name: str | None) -> bool:
        """Return whether the operation of that name is a mutation, valid or not."""
        operation = _operation(self.parsed, name)
        return operation is not None and operation.operation is OperationType.MUTATION


def _operation(node: DocumentNode | None, name: str | None) -> OperationDefinitionNode | None:
    """Return the operation of that name, or the only one; None when there is no such."""
    operations = [
        definition
        for definition in (node.definitions if node else ())
        if isinstance(definition, OperationDefinitionNode)
    ]
    if name is None:
        return operations[0] if len(operations) == 1 else None
    return next((o for o in operations if o.name is not None and o.name.value == name), None)


class Documents:
    """Parse and validate; keep at most `max_bytes` of documents, with the errors of bad ones."""

    def __init__(
        self, schema: GraphQLSchema, limits: DocumentLimits, *, max_bytes: int = 32 * 1024 * 1024
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._incremental = schema.get_directive("defer") is not None
        self._known: BoundedLRU[str, Document] = BoundedLRU(max_bytes=max_bytes)

    def get(self, text: str) -> Document:
        """Return the document of a text."""
        document = self._known.get(text)
        if document is None:
            document = self._read(text)
            if len(text) <= self._limits.characters:  # a longer one is refused without parsing
                self._known.put(text, document, _size(text))
        return document

    def _read(self, text: str) -> Document:
        document = self._parsed(text)
        return document if document.node is None else self._checked(document.node)

    def _parsed(self, text: str) -> Document:
        limits = self._limits
        if len(text) > limits.characters:
            error = too_large(f"The document has more than {limits.characters} characters.")
            return Document(None, (error,), RequestCode.GRAPHQL_PARSE_FAILED)
        try:
            node = _parsed(text, limits.tokens)
        except GraphQLError as error:
            if error.message.startswith(_TOO_MANY_TOKENS):
                error = too_large(f"The document has more than {limits.tokens} tokens.")
            return Document(None, (error,), RequestCode.GRAPHQL_PARSE_FAILED)
        return Document(node, ())

    def _checked(self, node: DocumentNode) -> Document:
        errors = self._validated(node)
        if errors:
            code = RequestCode.GRAPHQL_VALIDATION_FAILED
            return Document(None, tuple(errors), code, parsed=node)
        return Document(
            node,
            (),
            parsed=node,
            is_incremental=self._incremental and has_incremental_directives(node),
            elements=selected_elements(self._schema, node),
        )

    def _validated(self, node: DocumentNode) -> list[GraphQLError]:
        """Return the errors of a document; the limits come before the other rules."""
        try:
            error = excess(node, self._limits)
        except FragmentCycle:
            return self._violations(node, (NoFragmentCyclesRule,))
        return self._violations(node, specified_rules) if error is None else [error]

    def _violations(
        self, node: DocumentNode, rules: tuple[type[ASTValidationRule], ...]
    ) -> list[GraphQLError]:
        return validate(
            self._schema, node, rules, max_errors=10, hide_suggestions=self._limits.hide_suggestions
        )


def _parsed(text: str, tokens: int) -> DocumentNode:
    """Parse a document of limited tokens; a query for the schema may have a few more."""
    try:
        return parse(text, max_lexical_tokens=tokens, allow_empty_selection_sets=False)
    except GraphQLError as error:
        if not error.message.startswith(_TOO_MANY_TOKENS) or "__schema" not in text:
            raise
        most = max(tokens, INTROSPECTION_TOKENS)
        node = parse(text, max_lexical_tokens=most, allow_empty_selection_sets=False)
        if not only_introspects(node):
            raise
        return node


def _size(text: str) -> int:
    return _BASE + _OVERHEAD * len(text)
