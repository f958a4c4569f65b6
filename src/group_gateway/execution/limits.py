"""What a document may ask for, as validation rules built once. Used by `documents`.

Rules built anew for each request would cost more than the rest of a small request.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from graphql import (
    ASTValidationRule,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
)


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """The limits: lexical tokens, characters, depth of fields, root fields, directives.

    `discreet` leaves out suggestions of names, and `introspection` says whether the schema may
    be asked for.
    """

    tokens: int = 10_000
    characters: int = 200_000
    depth: int = 15
    root_fields: int = 200
    directives: int = 100
    discreet: bool = False
    introspection: bool = True


class LimitRule(ASTValidationRule):
    """Holds every operation to the self.limits."""

    limits: ClassVar[DocumentLimits]

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._depths: dict[str, int] = {}
        self._directives = 0

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Check depth and breadth."""
        depth = self._depth(node.selection_set, ())
        if depth > self.limits.depth:
            self._refuse(
                f"The operation is {depth} fields deep; the limit is {self.limits.depth}.", node
            )
        roots = self._breadth(node.selection_set, ())
        if roots > self.limits.root_fields:
            self._refuse(
                f"The operation has {roots} root fields; the limit is {self.limits.root_fields}.",
                node,
            )

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        """Count directives."""
        self._directives += 1
        if self._directives == self.limits.directives + 1:
            self._refuse(f"The document has more than {self.limits.directives} directives.", node)

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Refuse introspection where it is switched off."""
        if not self.limits.introspection and node.name.value in {"__schema", "__type"}:
            self._refuse("Introspection is switched off.", node)

    def _refuse(self, message: str, node: Any) -> None:
        self.report_error(GraphQLError(message, node))

    def _depth(self, selections: SelectionSetNode, open_: tuple[str, ...]) -> int:
        deepest = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                below = self._depth(node.selection_set, open_) if node.selection_set else 0
                deepest = max(deepest, 1 + below)
            elif isinstance(node, InlineFragmentNode):
                deepest = max(deepest, self._depth(node.selection_set, open_))
            elif isinstance(node, FragmentSpreadNode):
                deepest = max(deepest, self._fragment_depth(node.name.value, open_))
        return deepest

    def _fragment_depth(self, name: str, open_: tuple[str, ...]) -> int:
        if name not in self._depths:
            fragment = self._fragment(name, open_)
            self._depths[name] = (
                self._depth(fragment.selection_set, (*open_, name)) if fragment else 0
            )
        return self._depths[name]

    def _breadth(self, selections: SelectionSetNode, open_: tuple[str, ...]) -> int:
        total = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                total += 1
            elif isinstance(node, InlineFragmentNode):
                total += self._breadth(node.selection_set, open_)
            elif isinstance(node, FragmentSpreadNode):
                total += self._fragment_breadth(node.name.value, open_)
            if total > self.limits.root_fields:
                break
        return total

    def _fragment_breadth(self, name: str, open_: tuple[str, ...]) -> int:
        fragment = self._fragment(name, open_)
        return self._breadth(fragment.selection_set, (*open_, name)) if fragment else 0

    def _fragment(self, name: str, open_: tuple[str, ...]) -> FragmentDefinitionNode | None:
        # A fragment within itself is another rule's finding; here it must only end.
        return None if name in open_ else self.context.get_fragment(name)


def limit_rules(limits: DocumentLimits) -> tuple[type[ASTValidationRule], ...]:
    """Give the rules that hold a document to the limits."""
    return (type("BoundLimitRule", (LimitRule,), {"limits": limits}),)
