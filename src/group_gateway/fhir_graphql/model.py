"""The model of FHIR R4's types: which elements each has, and of which types they are.

`model.json` is generated from FHIR's own definitions by `src/fhir_model/generate.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec

PRIMITIVES = frozenset(
    {
        "base64Binary",
        "boolean",
        "canonical",
        "code",
        "date",
        "dateTime",
        "decimal",
        "id",
        "instant",
        "integer",
        "markdown",
        "oid",
        "positiveInt",
        "string",
        "time",
        "unsignedInt",
        "uri",
        "url",
        "uuid",
        "xhtml",
    }
)
"""FHIR R4's primitive types."""
GROUP = "Group"


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type; one of a choice has the name that JSON has (`valueQuantity`)."""

    name: str
    type: str
    repeats: bool

    @property
    def is_primitive(self) -> bool:
        """Whether its values are JSON strings, numbers or booleans."""
        return self.type in PRIMITIVES

    @property
    def is_id(self) -> bool:
        """Whether it is an `id`, of a resource or an element, which has no extensions."""
        return self.name == "id"


@dataclass(frozen=True, slots=True)
class Model:
    """The types by name, each with its elements by name; and the names of all resource types."""

    types: Mapping[str, Mapping[str, Element]]
    resources: frozenset[str]


class _File(msgspec.Struct):
    resources: frozenset[str]
    types: dict[str, dict[str, str]]


@cache
def load_model() -> Model:
    """Read the generated model."""
    content = (files(__package__) / "model.json").read_bytes()
    file = msgspec.json.decode(content, type=_File)
    types = {name: _elements(specs) for name, specs in file.types.items()}
    return Model(types, file.resources)


def _elements(specs: Mapping[str, str]) -> dict[str, Element]:
    found = {}
    for name, spec in specs.items():
        repeats = spec.endswith("*")
        types = spec.removesuffix("*").split("|")
        for kind in types:
            own = name.removesuffix("[x]") + kind[0].upper() + kind[1:]
            element = Element(own if name.endswith("[x]") else name, kind, repeats)
            found[element.name] = element
    return found
