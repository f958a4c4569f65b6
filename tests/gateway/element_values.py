"""Values of a Group's elements, made from the table of elements."""

from typing import Any

from group_gateway.fhir.group_elements import ElementDefinition

_DEEPEST = 4
"""How deep values go: references have identifiers, and these have references."""
_PRIMITIVES: dict[str, tuple[Any, Any]] = {
    "boolean": (True, False),
    "decimal": (1.5, 2.5),
    "unsignedInt": (7, 8),
    "instant": ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    "dateTime": ("2026-01-01", "2026-01-02"),
}
HIDDEN = {"extension": [{"url": "https://example.org/x"}]}


def value_of(
    element: ElementDefinition, *, changed: bool = False, depth: int = 0, target: str = "Group"
) -> Any:
    """Return a value with all that an element has inside; another one if it is to be `changed`.

    Entries of a list keep what identifies them.
    """
    target = element.targets[0] if element.targets else target
    if element.name == "reference":
        value: Any = f"{target}/{2 if changed else 1}"
    elif element.elements:
        last = element.identity[-1] if element.identity else ("entity",)
        value = {
            part.name: value_of(
                part, changed=changed and part.name not in last, depth=depth + 1, target=target
            )
            for part in element.elements.values()
            if not (part.choice and part.type != "CodeableConcept")
            and not (part.elements and depth == _DEEPEST)
        }
    elif element.name == "type" and depth == 0:
        value = "practitioner" if changed else "person"
    else:
        value = _PRIMITIVES.get(element.type, ("one", "another"))[changed]
    return [value] if element.repeats else value


def with_hidden(value: Any) -> Any:
    """Return a value with extensions everywhere, which no input has."""
    if isinstance(value, list):
        return [with_hidden(item) for item in value]
    if not isinstance(value, dict):
        return value
    beside = {
        f"_{name}": HIDDEN for name, part in value.items() if not isinstance(part, dict | list)
    }
    return {name: with_hidden(part) for name, part in value.items()} | beside | HIDDEN


def input_of(element: ElementDefinition, value: Any) -> Any:
    """Return the value as an input says it."""
    if element.name == "member":
        return [
            {"reference": m["entity"]["reference"]} | {k: m[k] for k in m if k != "entity"}
            for m in value
        ]
    return value.upper() if element.name == "type" else value


def selection_of(value: Any) -> str:
    """Return the selection of all that a value has."""
    if isinstance(value, list):
        return selection_of(value[0])
    if not isinstance(value, dict):
        return ""
    return "{ " + " ".join(f"{name} {selection_of(part)}" for name, part in value.items()) + " }"
