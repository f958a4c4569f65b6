"""`@flatten`, `@first`, `@singleton` and `@slice`: a pass over the executed result.

During execution a middleware records the directives of the response's fields, and the values by
which lists are sliced. The pass then moves flattened fields into their parents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, Final

from graphql import (
    DirectiveLocation,
    FieldNode,
    GraphQLArgument,
    GraphQLDirective,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
    get_directive_values,
    get_named_type,
    is_leaf_type,
)

from group_gateway.errors import BadUserInput
from group_gateway.fhir_graphql.fhir_context import LazyResource
from group_gateway.fhir_graphql.fhirpath import StepBudget, compile_expression

Path = tuple[str | int, ...]
_INDEX: Final = "$index"
_AT: Final = [DirectiveLocation.FIELD]
FLATTEN: Final = GraphQLDirective(
    "flatten", _AT, description="Leave the field out; what is below it joins what is around it."
)
FIRST: Final = GraphQLDirective("first", _AT, description="Only the first item, and not as a list.")
SINGLETON: Final = GraphQLDirective(
    "singleton", _AT, description="One value and no list; several are an error."
)
SLICE: Final = GraphQLDirective(
    "slice",
    _AT,
    {
        "path": GraphQLArgument(GraphQLString, description="A FHIRPath on each item, or `$index`."),
        "fhirpath": GraphQLArgument(GraphQLString, description="The same."),
    },
    description="One field for each value of an expression, which its name ends with.",
)
DIRECTIVES: Final = (FLATTEN, FIRST, SINGLETON, SLICE)


@dataclass(frozen=True, slots=True)
class Shape:
    """The directives of one field of the response; `suffixes` are those of a list's items."""

    is_list: bool = False
    flatten: bool = False
    first: bool = False
    singleton: bool = False
    suffixes: Sequence[str] | None = None


@dataclass(slots=True)
class Shapes:
    """The fields of a response that have directives, by their paths. It is the middleware."""

    steps: StepBudget
    found: dict[Path, Shape] = field(default_factory=dict)

    def resolve(self, next_: Any, source: Any, info: Any, **arguments: Any) -> Any:
        """Resolve a field, and record its directives."""
        value = next_(source, info, **arguments)
        if not any(node.directives for node in info.field_nodes):
            return value
        if isawaitable(value):
            return self._noted_later(value, info)
        self._note(value, info)
        return value

    async def _noted_later(self, value: Any, info: Any) -> Any:
        result = await value
        self._note(result, info)
        return result

    def _note(self, value: Any, info: Any) -> None:
        names = {d.name.value for node in info.field_nodes for d in node.directives or ()}
        suffixes = self._suffixes(value, info) if SLICE.name in names else None
        shape = Shape(
            is_list=_is_list(info.return_type),
            flatten=FLATTEN.name in names,
            first=FIRST.name in names,
            singleton=SINGLETON.name in names,
            suffixes=suffixes,
        )
        if shape.flatten and is_leaf_type(get_named_type(info.return_type)):
            raise BadUserInput("`@flatten` belongs to a field that has fields below it.")
        if shape.first and suffixes is not None:
            raise BadUserInput("`@first` and `@slice` don't go together.")
        if shape != Shape(is_list=shape.is_list):
            self.found[tuple(info.path.as_list())] = shape

    def _suffixes(self, value: Any, info: Any) -> list[str]:
        """Return the suffix of each item's name."""
        node: FieldNode = next(
            n for n in info.field_nodes if any(d.name.value == SLICE.name for d in n.directives)
        )
        given = get_directive_values(SLICE, node, info.variable_values) or {}
        texts = [text for text in given.values() if text is not None]
        if len(texts) != 1:
            raise BadUserInput("`@slice` takes exactly one of `path` and `fhirpath`.")
        items = value if isinstance(value, list) else [value]
        if texts[0] == _INDEX:
            return [f".{index}" for index in range(len(items))]
        evaluate = compile_expression(texts[0])
        focuses = [i.elements if isinstance(i, LazyResource) else i for i in items]
        return ["." + ",".join(map(_text, evaluate(i, self.steps))) for i in focuses]


def _is_list(type: Any) -> bool:
    return isinstance(type.of_type if isinstance(type, GraphQLNonNull) else type, GraphQLList)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise BadUserInput("`@slice` takes an expression whose values are primitive.")
    return str(value)


@dataclass(slots=True)
class _Value:
    """One field of the reshaped response."""

    items: list[Any] = field(default_factory=list)
    is_list: bool = False
    is_singleton: bool = False
    path: Path = ()


_NO_SHAPE: Final = Shape()


class Reshaping:
    """Apply the directives of one operation; `errors` are their errors."""

    def __init__(self, shapes: Mapping[Path, Shape]) -> None:
        self._shapes = shapes
        self.errors: list[GraphQLError] = []

    def reshaped(self, data: dict[str, Any], path: Path = ()) -> dict[str, Any]:
        """Return an object of the response with all directives below it applied."""
        fields: dict[str, _Value] = {}
        self._collect(data, path, fields, in_list=False, suffix="")
        return {name: self._written(value) for name, value in fields.items()}

    def _collect(
        self,
        data: dict[str, Any],
        path: Path,
        fields: dict[str, _Value],
        *,
        in_list: bool,
        suffix: str,
    ) -> None:
        for name, value in data.items():
            here = (*path, name)
            shape = self._shapes.get(here, _NO_SHAPE)
            is_list = isinstance(value, list)
            items = list(enumerate(value)) if is_list else [(None, value)]
            if shape.first:
                items, is_list = items[:1], False
            for index, item in items:
                at = here if index is None else (*here, index)
                own = suffix + (shape.suffixes[index or 0] if shape.suffixes else "")
                if not shape.flatten:
                    self._add(fields, name + own, item, at, is_list or in_list, shape)
                elif item is not None:
                    below = is_list or in_list
                    self._collect(item, at, fields, in_list=below, suffix=own)
            if not items and not shape.flatten and not shape.suffixes:
                self._field(fields, name + suffix, here, is_list or in_list, shape)

    def _add(  # noqa: PLR0913, PLR0917 - where, what, and how
        self,
        fields: dict[str, _Value],
        name: str,
        item: Any,
        path: Path,
        is_list: bool,  # noqa: FBT001 - one of many
        shape: Shape,
    ) -> None:
        known = name in fields and bool(fields[name].items)
        value = self._field(fields, name, path, is_list, shape)
        if isinstance(item, dict):
            value.items.append(self.reshaped(item, path))
        elif item is not None or isinstance(path[-1], int):  # a null in the place of a list's item
            value.items.append(item)
        value.is_list = value.is_list or (known and item is not None)

    def _field(
        self,
        fields: dict[str, _Value],
        name: str,
        path: Path,
        is_list: bool,  # noqa: FBT001 - one of many
        shape: Shape,
    ) -> _Value:
        value = fields.setdefault(name, _Value(path=path))
        value.is_list = value.is_list or is_list
        value.is_singleton = value.is_singleton or shape.singleton
        return value

    def _written(self, value: _Value) -> Any:
        if value.is_singleton:
            items = [item for item in value.items if item is not None]
            if len(items) > 1:
                error = BadUserInput("A field with `@singleton` has more than one value.")
                path = list(value.path)
                self.errors.append(GraphQLError(error.message, path=path, original_error=error))
                return None
            return items[0] if items else None
        if value.is_list:
            return value.items
        return value.items[0] if value.items else None
