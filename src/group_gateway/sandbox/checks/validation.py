"""Check that a body is a FHIR R4 Group. These are the checks of the real upstream's framework.

Every error is reported, each as one issue whose text starts with the path, as in `body -> member ->
0 -> entity — Field required (type=missing)`.
"""

from collections.abc import Mapping
from typing import Any, Final

from group_gateway.sandbox.checks.primitives import PRIMITIVES
from group_gateway.sandbox.checks.shapes import CHARACTERISTIC_VALUES, SHAPES, Element
from group_gateway.sandbox.outcome import Issue

Path = tuple[str | int, ...]

_NOT_AN_OBJECT: Final = (
    "Input should be a valid dictionary or object to extract fields from "
    "(type=model_attributes_type)"
)
_NOT_A_LIST: Final = "Input should be a valid list (type=list_type)"
_EXTRA: Final = "Extra inputs are not permitted (type=extra_forbidden)"
_MISSING: Final = "Field required (type=missing)"


def check_group(body: Any) -> list[Issue]:
    """List everything that is invalid in a body as an R4 Group; empty when it is valid."""
    if body is None:
        return [issue_at(("body",), "required", _MISSING)]
    issues: list[Issue] = []
    _check(body, "Group", ("body",), issues)
    return issues


def issue_at(path: Path, code: str, text: str) -> Issue:
    """Write an issue as the framework does, its path before its text."""
    return Issue(code, " -> ".join(map(str, path)) + " — " + text)


def _check(value: Any, kind: str, path: Path, issues: list[Issue]) -> None:
    if kind == "any":
        return
    if primitive := PRIMITIVES.get(kind):
        problem = primitive(value)
        if problem is not None:
            issues.append(issue_at(path, problem.code, problem.text))
    elif not isinstance(value, dict):
        issues.append(issue_at(path, "value", _NOT_AN_OBJECT))
    elif kind == "Resource":
        if "resourceType" not in value:
            issues.append(issue_at((*path, "resourceType"), "required", _MISSING))
    else:
        _check_object(value, kind, path, issues)


def _check_object(value: Mapping[str, Any], kind: str, path: Path, issues: list[Issue]) -> None:
    shape = SHAPES[kind]
    for name, part in value.items():
        element = _element(shape, name)
        if element is None:
            issues.append(issue_at((*path, name), "structure", _EXTRA))
        elif part is not None:
            _check_element(part, element, (*path, name), issues)
    for name, element in shape.items():
        if element.required and value.get(name) is None:
            issues.append(_missing(element, (*path, name)))
    if kind == "Characteristic":
        _check_choice(value, path, issues)


def _element(shape: Mapping[str, Element], name: str) -> Element | None:
    """Find an element, or the `_x` in which a primitive `x` carries its id and extensions."""
    if not name.startswith("_"):
        return shape.get(name)
    primitive = shape.get(name[1:])
    if primitive is None or primitive.type not in PRIMITIVES:
        return None
    return Element("Element", primitive.many, required=False)


def _check_element(part: Any, element: Element, path: Path, issues: list[Issue]) -> None:
    if not element.many:
        _check(part, element.type, path, issues)
    elif not isinstance(part, list):
        issues.append(issue_at(path, "value", _NOT_A_LIST))
    else:
        for index, item in enumerate(part):
            if item is not None or element.type != "Element":
                _check(item, element.type, (*path, index), issues)


def _missing(element: Element, path: Path) -> Issue:
    """Describe what is missing: the framework calls a missing primitive `invalid`."""
    if element.type not in PRIMITIVES or path[-1] == "resourceType":
        return issue_at(path, "required", _MISSING)
    name = path[-1]
    text = (
        f"Value for the field '{name}' is required. "
        f"(type=model_field_validation.missing; field_name={name})"
    )
    return issue_at(path, "invalid", text)


def _check_choice(value: Mapping[str, Any], path: Path, issues: list[Issue]) -> None:
    given = [name for name in CHARACTERISTIC_VALUES if value.get(name) is not None]
    names = list(CHARACTERISTIC_VALUES)
    if not given:
        text = f"Value error, Expect any of field value from this list {names}. (type=value_error)"
        issues.append(issue_at(path, "value", text))
    elif len(given) > 1:
        text = (
            f"Value error, Any of one field value is expected from this list {names}, "
            "but got multiple! (type=value_error)"
        )
        issues.append(issue_at(path, "value", text))
