"""Expressions as functions: a syntax tree is compiled once and evaluated on many items."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from group_gateway.fhir_graphql.fhirpath.comparison import computed, single, truth
from group_gateway.fhir_graphql.fhirpath.functions import FUNCTIONS, distinct
from group_gateway.fhir_graphql.fhirpath.operators import operation
from group_gateway.fhir_graphql.fhirpath.steps import StepBudget, wrong
from group_gateway.fhir_graphql.fhirpath.syntax import (
    Binary,
    Call,
    Index,
    Literal,
    Member,
    Negation,
    Node,
    Variable,
    parse_expression,
)
from group_gateway.fhir_graphql.model import PRIMITIVES, load_model

Values = list[Any]


@dataclass(slots=True)
class _Scope:
    """The scope of an evaluation: `$this`, `$index`, and the remaining steps."""

    this: Any
    index: int
    steps: StepBudget

    def of(self, this: Any, index: int) -> "_Scope":
        return _Scope(this, index, self.steps)


Evaluation = Callable[[Values, _Scope], Values]
_CRITERIA: Final = frozenset({"where", "all", "exists", "select", "iif"})
_TYPED: Final = frozenset({"is", "as", "ofType"})


@lru_cache(256)
def compile_path(text: str) -> Callable[[Any, StepBudget], bool]:
    """Return a predicate for items; raise BadUserInput."""
    evaluate = compile_expression(text)
    return lambda item, steps: truth(evaluate(item, steps))


@lru_cache(256)
def compile_expression(text: str) -> Callable[[Any, StepBudget], Values]:
    """Return a function from an item to the values of an expression."""
    evaluate = _compiled(parse_expression(text))
    return lambda item, steps: evaluate([item], _Scope(item, 0, steps))


def _compiled(node: Node) -> Evaluation:  # noqa: PLR0911 - one for each kind
    match node:
        case Literal(values):
            return lambda _focus, _scope: list(values)
        case Variable("$this"):
            return lambda _focus, scope: [scope.this]
        case Variable():
            return lambda _focus, scope: [scope.index]
        case Member(of, name):
            return _member(_of(of), name)
        case Call(of, name, arguments):
            return _call(of, name, arguments)
        case Index(of, index):
            return _indexed(_compiled(of), _compiled(index))
        case Negation(of):
            return _negated(_compiled(of))
        case Binary(operator, left, right):
            return _binary(operator, _compiled(left), _compiled(right))


def _of(node: Node | None) -> Evaluation:
    return _compiled(node) if node is not None else lambda focus, _scope: focus


def _member(of: Evaluation, name: str) -> Evaluation:
    choices = {f"{name}{_capitalized(kind)}" for kind in _type_names()}
    of_data_type = name in load_model().types and name not in load_model().resources

    def evaluate(focus: Values, scope: _Scope) -> Values:
        items = of(focus, scope)
        scope.steps.spend(1 + len(items))
        found: Values = []
        for item in items:
            if not isinstance(item, dict):
                continue
            value = item.get(name)
            if value is None:
                value = next((item[key] for key in item if key in choices), None)
            if value is None and item.get("resourceType") == (None if of_data_type else name):
                value = item
            if isinstance(value, list):
                found += [entry for entry in value if entry is not None]
            elif value is not None:
                found.append(value)
        return found

    return evaluate


@lru_cache(1)
def _type_names() -> frozenset[str]:
    return frozenset(load_model().types) | PRIMITIVES


def _capitalized(name: str) -> str:
    return name[0].upper() + name[1:]


def _call(of: Node | None, name: str, arguments: tuple[Node, ...]) -> Evaluation:
    if name in _TYPED:
        return _typed(of, name, arguments)
    if name in _CRITERIA:
        return _with_criteria(_of(of), name, arguments)
    if name not in FUNCTIONS:
        raise wrong("calls a function that is not supported")
    least, most, function = FUNCTIONS[name]
    if not least <= len(arguments) <= most:
        raise wrong("calls a function with a wrong number of arguments")
    before, compiled = _of(of), [_compiled(argument) for argument in arguments]
    quadratic = function is distinct or name == "isDistinct"

    def evaluate(focus: Values, scope: _Scope) -> Values:
        items = before(focus, scope)
        size = len(items)
        scope.steps.spend(1 + (size * size if quadratic else size))
        return function(items, *(argument([scope.this], scope) for argument in compiled))

    return evaluate


def _with_criteria(of: Evaluation, name: str, arguments: tuple[Node, ...]) -> Evaluation:
    wanted = {"exists": (0, 1), "iif": (2, 3)}.get(name, (1, 1))
    if not wanted[0] <= len(arguments) <= wanted[1]:
        raise wrong("calls a function with a wrong number of arguments")
    if name == "iif":
        return _choice(of, [_compiled(argument) for argument in arguments])
    criterion = _compiled(arguments[0]) if arguments else None

    def evaluate(focus: Values, scope: _Scope) -> Values:
        items = of(focus, scope)
        scope.steps.spend(1 + len(items))
        if criterion is None:
            return [bool(items)]
        results = [criterion([item], scope.of(item, i)) for i, item in enumerate(items)]
        if name == "select":
            return [value for result in results for value in result]
        fits = [truth(result) for result in results]
        if name == "where":
            return [item for item, fit in zip(items, fits, strict=True) if fit]
        return [all(fits) if name == "all" else any(fits)]

    return evaluate


def _choice(of: Evaluation, arguments: list[Evaluation]) -> Evaluation:
    def evaluate(focus: Values, scope: _Scope) -> Values:
        items = of(focus, scope)
        scope.steps.spend(1)
        if truth(arguments[0](items, scope)):
            return arguments[1](items, scope)
        return arguments[2](items, scope) if len(arguments) > 2 else []  # noqa: PLR2004

    return evaluate


def _typed(of: Node | None, name: str, arguments: tuple[Node, ...]) -> Evaluation:
    """Compile `is`, `as` and `ofType`; a choice names its type in the element's name."""
    if len(arguments) != 1 or not isinstance(arguments[0], Member):
        raise wrong("names no type where one belongs")
    kind = arguments[0].name
    if kind not in _type_names() and kind not in load_model().resources:
        system = kind[0].lower() + kind[1:]  # System.Boolean and the like
        if system not in PRIMITIVES:
            raise wrong("names a type that does not exist")
        kind = system
    chosen = None
    if isinstance(of, Member):
        chosen = _member(_of(of.of), f"{of.name}{_capitalized(kind)}")
    before = _of(of)

    def evaluate(focus: Values, scope: _Scope) -> Values:
        items = before(focus, scope)
        scope.steps.spend(1 + len(items))
        found = chosen(focus, scope) if chosen is not None else []
        found = found or [item for item in items if _is_of(item, kind)]
        return [bool(found)] if name == "is" and items else found

    return evaluate


def _is_of(item: Any, kind: str) -> bool:
    match item:
        case bool():
            return kind == "boolean"
        case str():
            return kind == "string"
        case int():
            return kind == "integer"
        case Decimal():
            return kind == "decimal"
        case dict():
            return bool(item.get("resourceType") == kind)
    return False


def _indexed(of: Evaluation, index: Evaluation) -> Evaluation:
    def evaluate(focus: Values, scope: _Scope) -> Values:
        items, at = of(focus, scope), single(index([scope.this], scope))
        scope.steps.spend(1)
        if not isinstance(at, int) or isinstance(at, bool):
            raise wrong("has an index that is no whole number")
        return items[at : at + 1] if at >= 0 else []

    return evaluate


def _negated(of: Evaluation) -> Evaluation:
    def evaluate(focus: Values, scope: _Scope) -> Values:
        value = single(of(focus, scope))
        scope.steps.spend(1)
        return [] if value is None else [computed("-", 0, value)]

    return evaluate


def _binary(operator: str, left: Evaluation, right: Evaluation) -> Evaluation:
    work = operation(operator)

    def evaluate(focus: Values, scope: _Scope) -> Values:
        ours, others = left(focus, scope), right(focus, scope)
        quadratic = operator in {"|", "in", "contains"}
        size = len(ours) + len(others)
        scope.steps.spend(1 + (size * size if quadratic else size))
        return work(ours, others)

    return evaluate
