"""Limits of a document, measured before it is validated.

Validation compares fields of one name with each other, in quadratic time. Excessive documents must
be refused before that, in linear time.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
)

from group_gateway.errors import RequestCode

LONGEST_DOCUMENT = 200_000
"""Characters of a document."""
_COMPARISONS = 10_000
"""Pairs of fields under one response key that validation may have to compare: some 50 ms."""
_INTROSPECTION = ("__schema", "__type")
"""Root fields whose selections have their own limits: tools request the whole schema."""
_INTROSPECTION_LEVELS, _INTROSPECTION_FIELDS = 32, 2_000
INTROSPECTION_TOKENS = 2_000
_TELLS_THE_SCHEMA = frozenset({"__schema", "__type", "_service"})
"""Root fields about the schema; `_service`, of federation, returns the whole SDL."""
_WIDTH = 100
"""Fields of an input object in a document: each invalid one is reported with the whole object."""


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """The limits. Fields and aliases are counted with all fragments expanded.

    `hide_suggestions` removes suggestions of names. `introspection` allows requests for the schema.
    """

    tokens: int = 5_000
    characters: int = LONGEST_DOCUMENT
    depth: int = 15
    fields: int = 2_000
    root_fields: int = 200
    aliases: int = 500
    directives: int = 100
    hide_suggestions: bool = False
    introspection: bool = True


class FragmentCycle(Exception):
    """A fragment contains itself."""


def excess(document: DocumentNode, limits: DocumentLimits) -> GraphQLError | None:
    """Return the error of a document that exceeds a limit; raise FragmentCycle."""
    try:
        return _excess(_Measure(document), document, limits)
    except RecursionError:
        message = "The document's fragments are nested too deeply."
        return GraphQLError(message, extensions={"code": RequestCode.QUERY_TOO_DEEP})


def _excess(
    measure: "_Measure", document: DocumentNode, limits: DocumentLimits
) -> GraphQLError | None:
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    for operation in operations:
        size = measure.size(operation.selection_set)
        for code, what, number, limit in (
            (RequestCode.QUERY_TOO_DEEP, "levels of fields", size.depth, limits.depth),
            (RequestCode.TOO_MANY_FIELDS, "root fields", size.breadth, limits.root_fields),
            (RequestCode.TOO_MANY_ALIASES, "aliases", size.aliases, limits.aliases),
        ):
            if number > limit:
                return _error(code, f"The operation has {_few(number)} {what}", limit, operation)
    total = sum(measure.size(operation.selection_set).fields for operation in operations)
    if total > limits.fields:
        return _error(
            RequestCode.TOO_MANY_FIELDS, f"The document has {_few(total)} fields", limits.fields
        )
    if measure.directives > limits.directives:
        said = f"The document has {measure.directives} directives"
        return _error(RequestCode.TOO_MANY_DIRECTIVES, said, limits.directives)
    if measure.width > _WIDTH:
        return _error(
            RequestCode.TOO_MANY_FIELDS, f"An input object has {measure.width} fields", _WIDTH
        )
    if not limits.introspection and measure.introspection is not None:
        return GraphQLError("Introspection is switched off.", measure.introspection)
    return measure.introspection_excess() or measure.repetition(limits)


def only_introspects(document: DocumentNode) -> bool:
    """Return whether all operations request nothing but the schema."""
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    return all(
        isinstance(field, FieldNode) and field.name.value in {*_INTROSPECTION, "__typename"}
        for operation in operations
        for field in operation.selection_set.selections
    )


def too_large(message: str) -> GraphQLError:
    """Return the error of a document that is too long to be parsed."""
    return GraphQLError(message, extensions={"code": RequestCode.QUERY_TOO_LARGE})


def _error(code: RequestCode, said: str, limit: int, node: Node | None = None) -> GraphQLError:
    return GraphQLError(f"{said}; the limit is {limit}.", node, extensions={"code": code})


def _few(number: int) -> str:
    """Format a number, which nested fragments may have made very long."""
    return str(number) if number < 10**9 else "more than 1000000000"


class _Size(NamedTuple):
    """The size of a selection: levels, fields at the first of them, fields and aliases in all."""

    depth: int = 0
    breadth: int = 0
    fields: int = 0
    aliases: int = 0


class _Measure:
    """Measure a document, each fragment once. Raises FragmentCycle."""

    def __init__(self, document: DocumentNode) -> None:
        self.directives = 0
        self.width = 0
        self.introspection: FieldNode | None = None
        self._introspected: list[_Size] = []
        self._definitions: list[Any] = list(document.definitions)
        self._fragments = {
            d.name.value: d for d in self._definitions if isinstance(d, FragmentDefinitionNode)
        }
        self._sizes: dict[str, _Size | None] = {}
        self._sets: dict[int, _Size] = {}
        for definition in self._definitions:
            variables = getattr(definition, "variable_definitions", None) or ()
            for node in (definition, *variables):
                self.directives += len(node.directives or ())
        for name in self._fragments:
            self._fragment(name)

    def size(self, selections: SelectionSetNode) -> _Size:
        """Measure a set of selections."""
        known = self._sets.get(id(selections))
        if known is None:
            known = self._sets[id(selections)] = self._measured(selections)
        return known

    def introspection_excess(self) -> GraphQLError | None:
        """Return the error of a document that requests too much of the schema."""
        levels = max((size.depth for size in self._introspected), default=0)
        fields = sum(size.fields for size in self._introspected)
        if levels > _INTROSPECTION_LEVELS:
            said = f"The introspection has {_few(levels)} levels of fields"
            return _error(RequestCode.QUERY_TOO_DEEP, said, _INTROSPECTION_LEVELS)
        if fields > _INTROSPECTION_FIELDS:
            said = f"The introspection has {_few(fields)} fields"
            return _error(RequestCode.TOO_MANY_FIELDS, said, _INTROSPECTION_FIELDS)
        return None

    def repetition(self, limits: DocumentLimits) -> GraphQLError | None:
        """Return the error of a document that has too many fields under the same names.

        Its fields have been counted before, so no fragment in use expands to more.
        """
        left = _COMPARISONS
        for definition in self._definitions:
            selections = getattr(definition, "selection_set", None)
            most = max(limits.fields, _INTROSPECTION_FIELDS)
            if selections is not None and self.size(selections).fields <= most:
                left -= self._comparisons([selections])
            elif selections is not None:
                left = -1
            if left < 0:
                message = "The document asks too often for fields of the same names."
                return GraphQLError(
                    message, definition, extensions={"code": RequestCode.TOO_MANY_FIELDS}
                )
        return None

    def _measured(self, selections: SelectionSetNode) -> _Size:
        depth = breadth = fields = aliases = 0
        for node in selections.selections:
            self.directives += len(node.directives or ())
            below = self._below(node)
            if isinstance(node, FieldNode):
                if node.name.value in _INTROSPECTION:
                    self._introspected.append(below)
                    below = _Size()
                self.width = max(self.width, *(_width(a.value) for a in node.arguments or ()), 0)
                below = _Size(
                    below.depth + 1, 1, below.fields + 1, below.aliases + bool(node.alias)
                )
                if node.name.value in _TELLS_THE_SCHEMA:
                    self.introspection = node
            depth = max(depth, below.depth)
            breadth += below.breadth
            fields += below.fields
            aliases += below.aliases
        return _Size(depth, breadth, fields, aliases)

    def _below(self, node: Any) -> _Size:
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        return self.size(node.selection_set) if node.selection_set else _Size()

    def _fragment(self, name: str) -> _Size:
        if name not in self._fragments:
            return _Size()  # another rule's finding
        if name not in self._sizes:
            self._sizes[name] = None
            self._sizes[name] = self.size(self._fragments[name].selection_set)
        size = self._sizes[name]
        if size is None:
            raise FragmentCycle
        return size

    def _comparisons(self, merged: list[SelectionSetNode]) -> int:
        """Count the pairs of fields of one response path, in sets of selections that merge."""
        fields: defaultdict[str, list[FieldNode]] = defaultdict(list)
        spread: set[str] = set()
        for selections in merged:
            self._collect(selections, fields, spread)
        total = 0
        for alike in fields.values():
            total += len(alike) * (len(alike) - 1) // 2
            total += self._comparisons([f.selection_set for f in alike if f.selection_set])
        return total

    def _collect(
        self,
        selections: SelectionSetNode,
        fields: defaultdict[str, list[FieldNode]],
        spread: set[str],
    ) -> None:
        """Collect fields by response key; those of a fragment once, as graphql-core does."""
        for node in selections.selections:
            if isinstance(node, FieldNode):
                fields[(node.alias or node.name).value].append(node)
            elif isinstance(node, InlineFragmentNode):
                self._collect(node.selection_set, fields, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                if (fragment := self._fragments.get(node.name.value)) is not None:
                    self._collect(fragment.selection_set, fields, spread)


def _width(value: ValueNode) -> int:
    """Return the most fields that an input object within a literal has."""
    if isinstance(value, ListValueNode):
        return max(map(_width, value.values or ()), default=0)
    if isinstance(value, ObjectValueNode):
        fields = value.fields or ()
        return max(len(fields), 0, *(_width(field.value) for field in fields))
    return 0
