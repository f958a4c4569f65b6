"""The functions that FHIRPath expressions may call. `matches` is excluded: it can't be bounded."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from group_gateway.fhir_graphql.fhirpath.comparison import equal, single
from group_gateway.fhir_graphql.fhirpath.steps import wrong

Values = list[Any]
Function = Callable[..., Values]


def same(left: Values, right: Values) -> bool | None:
    """Compare two collections item by item."""
    if len(left) != len(right):
        return False
    results = [equal(*pair) for pair in zip(left, right, strict=True)]
    return False if False in results else None if None in results else True


def distinct(values: Values) -> Values:
    """Return the values without repetitions, in their order."""
    kept: Values = []
    for value in values:
        if not any(equal(value, other) for other in kept):
            kept.append(value)
    return kept


def _text(values: Values) -> str | None:
    value = single(values)
    if value is not None and not isinstance(value, str):
        raise wrong("calls a function of texts with another value")
    return value


def _on_text(work: Callable[..., Any], *, arguments: int = 0) -> tuple[int, int, Function]:
    def function(values: Values, *others: Values) -> Values:
        texts = [_text(values), *map(_text, others)]
        return [] if None in texts else [work(*texts)]

    return arguments, arguments, function


def _number(values: Values) -> int:
    value = single(values)
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong("calls a function of whole numbers with another value")
    return value


def _substring(values: Values, start: Values, length: Values | None = None) -> Values:
    text, begin = _text(values), _number(start)
    if text is None or not 0 <= begin < len(text):
        return []
    return [text[begin:] if length is None else text[begin : begin + max(_number(length), 0)]]


def _index_of(text: str, part: str) -> int:
    return text.find(part)


def _to_text(values: Values) -> Values:
    value = single(values)
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [str(value)] if isinstance(value, str | int | Decimal) else []


def _not(values: Values) -> Values:
    value = single(values)
    return [] if value is None else [not value if isinstance(value, bool) else False]


def _extension(values: Values, url: Values) -> Values:
    wanted = _text(url)
    return [
        extension
        for value in values
        if isinstance(value, dict)
        for extension in value.get("extension") or ()
        if isinstance(extension, dict) and extension.get("url") == wanted
    ]


FUNCTIONS: Final[Mapping[str, tuple[int, int, Function]]] = {
    "empty": (0, 0, lambda values: [not values]),
    "not": (0, 0, _not),
    "count": (0, 0, lambda values: [len(values)]),
    "first": (0, 0, lambda values: values[:1]),
    "last": (0, 0, lambda values: values[-1:]),
    "tail": (0, 0, lambda values: values[1:]),
    "single": (0, 0, lambda values: [] if single(values) is None else values),
    "skip": (1, 1, lambda values, n: values[max(_number(n), 0) :]),
    "take": (1, 1, lambda values, n: values[: max(_number(n), 0)]),
    "distinct": (0, 0, distinct),
    "isDistinct": (0, 0, lambda values: [len(distinct(values)) == len(values)]),
    "allTrue": (0, 0, lambda values: [all(value is True for value in values)]),
    "anyTrue": (0, 0, lambda values: [any(value is True for value in values)]),
    "allFalse": (0, 0, lambda values: [all(value is False for value in values)]),
    "anyFalse": (0, 0, lambda values: [any(value is False for value in values)]),
    "hasValue": (0, 0, lambda values: [len(values) == 1 and not isinstance(values[0], dict)]),
    "extension": (1, 1, _extension),
    "startsWith": _on_text(str.startswith, arguments=1),
    "endsWith": _on_text(str.endswith, arguments=1),
    "contains": _on_text(str.__contains__, arguments=1),
    "indexOf": _on_text(_index_of, arguments=1),
    "lower": _on_text(str.lower),
    "upper": _on_text(str.upper),
    "length": _on_text(len),
    "trim": _on_text(str.strip),
    "substring": (1, 2, _substring),
    "toString": (0, 0, _to_text),
}
"""By name: the least and the most arguments, and the implementation."""
