"""Random operations over the built schema: whatever it has is asked for, in every form.

Nothing here knows a type by name but to ask for some fields less often, so that what is added to
the schema is tested too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
)

from differential.arguments import Values, VariableName, literal

_WEIGHTS = {
    "_entities": 0.06,
    "_service": 0.05,
    "resource": 0.15,
    "assigner": 0.4,
    "group": 3.0,
    "member": 2.0,
}
_RARE_ARGUMENTS = {"after": 0.1, "before": 0.1, "last": 0.15}
_INTROSPECTION = (
    "__schema { queryType { name } }",
    '__type(name: "Group") { name kind fields { name } }',
    '__type(name: "Nothing") { name }',
)
_DEEPEST = 6
_SIZES = (2, 3, 4, 6, 8, 12, 24)
"""Fields that a document has, about."""
_AGAIN = 0.04
"""How much less likely a field is where it stands already."""


@dataclass
class Variable:
    """A variable of an operation. `role` is what it is used for."""

    name: str
    type: Any
    role: str
    default: str | None = None

    def __str__(self) -> str:
        default = "" if self.default is None else f" = {self.default}"
        return f"${self.name}: {self.type}{default}"


@dataclass(frozen=True)
class Asked:
    """A document, the name of the operation to run, and the operation's variables."""

    text: str
    name: str | None
    variables: tuple[Variable, ...]

    def inputs(self, values: Values, rng: Random) -> dict[str, Any]:
        """Make values for the variables; those that may be left out are, now and then."""
        inputs: dict[str, Any] = {}
        for variable in self.variables:
            optional = variable.default is not None or not isinstance(variable.type, GraphQLNonNull)
            if rng.random() < (0.25 if optional else 0.01):
                continue
            inputs[variable.name] = values.for_variable(variable.type, variable.role)
        if rng.random() < 0.05:
            inputs["unheardOf"] = 1
        return inputs


@dataclass
class _Scope:
    """What stands under the response keys of one place: field, arguments, and what is below."""

    keys: dict[str, tuple[str, str, "_Scope"]] = field(default_factory=dict)

    def under(self, name: str) -> Iterator[str]:
        """Return the keys that a field stands under."""
        return (key for key, (of, _, _) in self.keys.items() if of == name)


class OperationWriter:
    """Writes one document. Its operation may break the rules of validation, but rarely does."""

    def __init__(self, rng: Random, schema: GraphQLSchema, values: Values) -> None:
        self._rng = rng
        self._schema = schema
        self._values = values
        self._variables: list[Variable] = []
        self._fragments: list[tuple[str, str, str]] = []
        self._room = rng.choice(_SIZES)

    def document(self) -> Asked:
        """Write it."""
        root = self._schema.query_type
        assert root is not None
        body = self._selection(root, _Scope(), 0)
        if self._chance(0.03):
            body = f"{{ {self._rng.choice(_INTROSPECTION)} {body[1:-1]} }}"
        variables = tuple(self._variables)
        name = "Asked" if variables or self._chance(0.3) else None
        told = f"({', '.join(map(str, variables))})" if variables else ""
        head = f"query {name}{told} " if name else self._rng.choice(("", "query "))
        parts = [head + body, *(text for _, _, text in self._fragments)]
        if name and self._chance(0.1):
            parts.append("query Other($given: String!) { __type(name: $given) { name } }")
            self._rng.shuffle(parts)
        elif self._chance(0.7):
            name = None
        return Asked("\n".join(parts), name, variables)

    def _selection(self, type: GraphQLNamedType, scope: _Scope, depth: int) -> str:
        if self._chance(0.04):
            return "{ __typename }"
        count = self._rng.choice((1, 2, 3, 4, 6)) if self._room > 0 else 1
        entries = [self._entry(type, scope, depth) for _ in range(count)]
        return "{ " + " ".join(entries) + " }"

    def _entry(self, type: GraphQLNamedType, scope: _Scope, depth: int) -> str:
        self._room -= 1
        if self._room > 0 and depth < _DEEPEST:
            roll = self._rng.random()
            if roll < 0.06 or (roll < 0.7 and is_abstract_type(type)):
                return self._inline_fragment(type, scope, depth)
            if roll < 0.11:
                return self._spread(type, scope, depth)
        if is_abstract_type(type) or self._chance(0.05):
            return self._typename(scope)
        assert isinstance(type, GraphQLObjectType)
        return self._field(type, scope, depth)

    def _typename(self, scope: _Scope) -> str:
        alias = self._alias(scope, "__typename")
        key = alias or "__typename"
        if scope.keys.setdefault(key, ("__typename", "", _Scope()))[0] != "__typename":
            return "__typename"
        return (f"{alias}: " if alias else "") + "__typename" + self._directives()

    def _field(self, type: GraphQLObjectType, scope: _Scope, depth: int) -> str:
        name = self._choose(type, scope, depth)
        definition = type.fields[name]
        known = list(scope.under(name))
        if known and self._chance(0.5 if definition.args else 0.9):
            key = self._rng.choice(known)
        else:
            key = self._alias(scope, name, type) or name
        if key in scope.keys:
            stands, arguments, below = scope.keys[key]
            if stands != name:  # taken by another field
                return self._typename(scope)
        else:
            arguments, below = self._arguments(definition), _Scope()
            scope.keys[key] = (name, arguments, below)
        head = (f"{key}: {name}" if key != name else name) + arguments + self._directives()
        inner = get_named_type(definition.type)
        return head if is_leaf_type(inner) else f"{head} {self._selection(inner, below, depth + 1)}"

    def _choose(self, type: GraphQLObjectType, scope: _Scope, depth: int) -> str:
        fields = type.fields
        if depth >= _DEEPEST or self._room <= 0:
            leaves = {n: f for n, f in fields.items() if is_leaf_type(get_named_type(f.type))}
            fields = leaves or fields
        there = {name for name, _, _ in scope.keys.values()}
        again = {name: 0.6 if fields[name].args else _AGAIN for name in there & fields.keys()}
        weights = [_WEIGHTS.get(name, 1.0) * again.get(name, 1.0) for name in fields]
        chosen: str = self._rng.choices(list(fields), weights)[0]
        return chosen

    def _alias(self, scope: _Scope, name: str, type: GraphQLObjectType | None = None) -> str | None:
        """Return a response key that is free, or None for the field's own name."""
        if type is not None and self._chance(0.05):  # under the name of another field
            other = self._rng.choice(list(type.fields))
            return other if other not in scope.keys else None
        if self._chance(0.12) or (name in scope.keys and self._chance(0.5)):
            return f"{self._rng.choice(('a', 'b', 'Z', '_'))}{len(scope.keys)}"
        return None

    def _inline_fragment(self, type: GraphQLNamedType, scope: _Scope, depth: int) -> str:
        condition, target = "", type
        if isinstance(type, GraphQLUnionType | GraphQLInterfaceType) or self._chance(0.6):
            target = self._rng.choice(self._overlapping(type))
            condition = f"on {target} "
        below = self._selection(target, scope, depth + 1)
        return f"... {condition}{self._directives()} {below}"

    def _spread(self, type: GraphQLNamedType, scope: _Scope, depth: int) -> str:
        known = [name for name, on, _ in self._fragments if on == type.name]
        if known and self._chance(0.4):
            return f"...{self._rng.choice(known)}{self._directives()}"
        target = self._rng.choice(self._overlapping(type))
        body = self._selection(target, scope, depth + 1)
        name = f"F{len(self._fragments)}"
        self._fragments.append((name, target.name, f"fragment {name} on {target} {body}"))
        return f"...{name}{self._directives()}"

    def _overlapping(self, type: GraphQLNamedType) -> list[GraphQLNamedType]:
        """Return types that a fragment here may be on."""
        if isinstance(type, GraphQLUnionType | GraphQLInterfaceType):
            return list(self._schema.get_possible_types(type))
        unions = [
            union
            for union in self._schema.type_map.values()
            if isinstance(union, GraphQLUnionType) and type in union.types
        ]
        return [type, type, type, *unions]

    def _arguments(self, definition: GraphQLField) -> str:
        given = {
            name: argument
            for name, argument in definition.args.items()
            if is_required_argument(argument) or self._chance(_RARE_ARGUMENTS.get(name, 0.3))
        }
        if not self._chance(0.03):
            _make_sense(given)
        texts = [f"{name}: {self._argument(name, a)}" for name, a in given.items()]
        return f"({', '.join(texts)})" if texts else ""

    def _argument(self, name: str, argument: GraphQLArgument) -> str:
        if self._chance(0.4):
            return f"${self._variable(argument.type, name)}"
        value = self._values.value(argument.type, name)
        if isinstance(value, dict) and "type" in value and self._chance(0.3):
            input_type = get_named_type(argument.type)
            assert isinstance(input_type, GraphQLInputObjectType)
            type = input_type.fields["type"].type
            value["type"] = VariableName(self._variable(type, "type"))
        return literal(value)

    def _variable(self, type: Any, role: str) -> str:
        known = [v for v in self._variables if v.role == role and v.type == type]
        if known and self._chance(0.7 if role == "condition" else 0.3):
            return self._rng.choice(known).name
        variable = Variable(f"v{len(self._variables)}", type, role)
        if self._chance(0.3):
            inner = type.of_type if isinstance(type, GraphQLNonNull) else type
            variable.default = literal(self._values.value(GraphQLNonNull(inner), role))
            if self._chance(0.3):
                variable.type = inner
        self._variables.append(variable)
        return variable.name

    def _directives(self) -> str:
        text = ""
        for name in ("include", "skip"):
            if self._chance(0.06):
                text += f" @{name}(if: {self._condition()})"
        return text

    def _condition(self) -> str:
        if self._chance(0.3):
            return self._rng.choice(("true", "false"))
        return f"${self._variable(GraphQLNonNull(GraphQLBoolean), 'condition')}"

    def _chance(self, probability: float) -> bool:
        return self._rng.random() < probability


def _make_sense(arguments: dict[str, GraphQLArgument]) -> None:
    """Remove arguments that exclude each other."""
    if "last" in arguments:
        arguments.pop("first", None)
        arguments.pop("after", None)
    else:
        arguments.pop("before", None)
