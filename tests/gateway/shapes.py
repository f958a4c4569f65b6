"""What a Group's elements are to look like: an oracle for what the gateway shows of any JSON.

Written from the contract and FHIR R4 alone, so that a mistake of the gateway is not made here too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
ParameterSupport = tuple[Any, list[Path]]
"""What is shown, and the paths of the errors."""


@dataclass(frozen=True)
class Scalar:
    """A GraphQL scalar or enum: `String`, `Boolean`, `Int`, `Float`, `GroupType`."""

    name: str

    def query(self) -> str:
        """Return the selection: none."""
        return ""

    def judge(self, value: Any, path: Path) -> ParameterSupport:
        """Check a value that is present."""
        match self.name, value:
            case ("String", str()) | ("Boolean", bool()):
                return value, []
            case ("Int", int()) if type(value) is int and -(2**31) <= value < 2**31:
                return value, []
            case ("Float", int() | float()) if type(value) is not bool and abs(value) < 2**1023:
                return value, []
            case ("GroupType", str()) if value in CODES:
                return value.upper(), []
        return None, [path]


CODES = ["person", "animal", "practitioner", "device", "medication", "substance"]


@dataclass(frozen=True)
class Object:
    """A FHIR data type; `bare` is the element that a bare string stands for."""

    elements: Mapping[str, "Kind"]
    bare: str | None = None

    def query(self) -> str:
        """Return the selection of all elements."""
        return "{ " + " ".join(f"{n} {k.query()}" for n, k in self.elements.items()) + " }"

    def judge(self, value: Any, path: Path) -> ParameterSupport:
        """Check a value that is present."""
        if isinstance(value, str) and self.bare:
            value = {self.bare: value}
        if not isinstance(value, dict):
            return None, [path]
        shown, errors = {}, []
        for name, kind in self.elements.items():
            shown[name], broken = judge(kind, value.get(name), (*path, name))
            errors += broken
        return shown, errors


@dataclass(frozen=True)
class Listed:
    """A list of objects; items that are none are left out, with one error for the list."""

    item: Object

    def query(self) -> str:
        """Return the selection of an item."""
        return self.item.query()

    def judge(self, value: Any, path: Path) -> ParameterSupport:
        """Check a value that is present."""
        if not isinstance(value, list):
            return [], [path]
        kept = [item for item in value if isinstance(item, dict)]
        shown, errors = [], [path] if len(kept) != len(value) else []
        for index, item in enumerate(kept):
            one, broken = self.item.judge(item, (*path, index))
            shown.append(one)
            errors += broken
        return shown, errors


@dataclass(frozen=True)
class Required:
    """An object that can't be null: shown empty, with an error, where it is missing or broken."""

    kind: Object

    def query(self) -> str:
        """Return the selection of the object."""
        return self.kind.query()

    def judge(self, value: Any, path: Path) -> ParameterSupport:
        """Check a value that is present."""
        shown, errors = self.kind.judge(value, path)
        return self.kind.judge({}, path)[0] if shown is None else shown, errors


@dataclass(frozen=True)
class Flag:
    """A boolean that can't be null: false when it is missing, and, with an error, when broken."""

    def query(self) -> str:
        """Return the selection: none."""
        return ""

    def judge(self, value: Any, path: Path) -> ParameterSupport:
        """Check a value that is present."""
        return (value, []) if isinstance(value, bool) else (False, [path])


Kind = Scalar | Object | Listed | Required | Flag


def judge(kind: Kind, value: Any, path: Path) -> ParameterSupport:
    """Check what the upstream has in a place; None stands for nothing."""
    if value is not None:
        return kind.judge(value, path)
    if isinstance(kind, Required):
        return kind.judge({}, path)[0], [path]
    return ([] if isinstance(kind, Listed) else False if isinstance(kind, Flag) else None), []


STRING, BOOLEAN = Scalar("String"), Scalar("Boolean")
CODING = Object(
    dict.fromkeys(("system", "version", "code", "display"), STRING) | {"userSelected": BOOLEAN}
)
CONCEPT = Object({"coding": Listed(CODING), "text": STRING}, bare="text")
PERIOD = Object({"start": STRING, "end": STRING})
QUANTITY = Object(
    {"value": Scalar("Float"), **dict.fromkeys(("comparator", "unit", "system", "code"), STRING)}
)
ASSIGNER = Object({"reference": STRING, "type": STRING, "display": STRING}, bare="reference")
IDENTIFIER = Object(
    {
        "use": STRING,
        "type": CONCEPT,
        "system": STRING,
        "value": STRING,
        "period": PERIOD,
        "assigner": ASSIGNER,
    }
)
REFERENCE = Object({**ASSIGNER.elements, "identifier": IDENTIFIER}, bare="reference")
CHARACTERISTIC = Object(
    {
        "code": Required(CONCEPT),
        "exclude": Flag(),
        "period": PERIOD,
        "valueCodeableConcept": CONCEPT,
        "valueBoolean": BOOLEAN,
        "valueQuantity": QUANTITY,
        "valueRange": Object({"low": QUANTITY, "high": QUANTITY}),
        "valueReference": REFERENCE,
    }
)
MEMBER = Object({"entity": Required(REFERENCE), "period": PERIOD, "inactive": Flag()})
GROUP = Object(
    {
        "id": STRING,
        "resourceType": STRING,
        "meta": Object({"versionId": STRING, "lastUpdated": STRING}),
        "identifier": Listed(IDENTIFIER),
        "active": BOOLEAN,
        "type": Scalar("GroupType"),
        "actual": BOOLEAN,
        "code": CONCEPT,
        "name": STRING,
        "quantity": Scalar("Int"),
        "managingEntity": REFERENCE,
        "characteristic": Listed(CHARACTERISTIC),
        "member": Listed(MEMBER),
    }
)

MARKER = "pat13nt-s3cr3t"
"""Stands in every string of `example`, so that one that leaks is recognised."""


def example(kind: Kind = GROUP) -> Any:
    """Return JSON with every element of a kind, two items in each list."""
    match kind:
        case Object():
            return {name: example(part) for name, part in kind.elements.items()}
        case Listed():
            return [example(kind.item), example(kind.item)]
        case Required():
            return example(kind.kind)
        case Flag():
            return True
        case Scalar():
            return EXAMPLES[kind.name]


EXAMPLES = {
    "String": MARKER,
    "Boolean": True,
    "Int": 7,
    "Float": 1.5,
    "GroupType": "person",
}


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every element and item below a value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        yield (*path, key)
        if isinstance(part, dict | list):
            yield from places(part, (*path, key))


def replaced(value: Any, path: Path, by: Any) -> Any:
    """Return a copy of JSON with another value in one place."""
    if not path:
        return by
    head, *tail = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[head] = replaced(value[head], tuple(tail), by)  # type: ignore[index]
    return copy
