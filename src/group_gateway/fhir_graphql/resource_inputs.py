"""GraphQL input types that mirror FHIR's types, and their FHIR resources."""

from collections.abc import Mapping
from typing import Any, Final

from graphql import (
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLString,
)

from group_gateway.errors import BadUserInput
from group_gateway.fhir.group_rules import RELATED_TYPES
from group_gateway.fhir_graphql.fhir_scalars import CONTAINED_INPUT, scalar_for
from group_gateway.fhir_graphql.model import GROUP, Element, Model

_BASE: Final = "ElementBaseInput"
_RESOURCE: Final = "Resource"


class InputTypes:
    """The input types of a model: `XInput` has the elements of `X`, siblings of primitives too."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._base = GraphQLInputObjectType(
            _BASE,
            lambda: {
                "id": GraphQLInputField(scalar_for("id")),
                "extension": GraphQLInputField(GraphQLList(self["Extension"])),
            },
            description="What stands beside a primitive value: its id and extensions.",
        )
        self._types = {
            name: self._object(name)
            for name in model.types
            if name == GROUP or name not in RELATED_TYPES
        }

    def __getitem__(self, name: str) -> GraphQLInputObjectType:
        return self._types[name]

    def _object(self, name: str) -> GraphQLInputObjectType:
        return GraphQLInputObjectType(
            f"{name}Input", lambda: self._fields(name), description=f"FHIR R4's type {name}."
        )

    def _fields(self, name: str) -> dict[str, GraphQLInputField]:
        fields = {"resourceType": GraphQLInputField(GraphQLString)} if name == GROUP else {}
        for element in self._model.types[name].values():
            kind = self._type_of(element)
            fields[element.name] = GraphQLInputField(GraphQLList(kind) if element.repeats else kind)
            if element.is_primitive and not element.is_id:
                base = GraphQLList(self._base) if element.repeats else self._base
                fields[f"_{element.name}"] = GraphQLInputField(base)
        return fields

    def _type_of(self, element: Element) -> GraphQLInputType:
        if element.is_primitive:
            return scalar_for("id" if element.is_id else element.type)
        return CONTAINED_INPUT if element.type == _RESOURCE else self._types[element.type]


def group_of(value: Mapping[str, Any], model: Model) -> dict[str, Any]:
    """Return the FHIR resource that an input is, without nulls and empty lists.

    Raise BadUserInput when it is another type's.
    """
    if value.get("resourceType") not in {None, GROUP}:
        raise BadUserInput("`resourceType` is not Group.")
    elements = _stripped(value, model.types[GROUP], model)
    return {"resourceType": GROUP, **elements}


def _stripped(value: Mapping[str, Any], elements: Mapping[str, Element], model: Model) -> Any:
    kept = {}
    for name, item in value.items():
        element = elements.get(name.removeprefix("_"))
        inner = _stripped_value(item, name, element, model)
        if inner is not None:
            kept[name] = inner
    return kept


def _stripped_value(item: Any, name: str, element: Element | None, model: Model) -> Any:
    """Return a value without nulls and empty values; None if nothing is left."""
    if isinstance(item, list):
        values = [_stripped_value(entry, name, element, model) for entry in item]
        in_place = name.startswith("_") or (element is not None and element.is_primitive)
        if not in_place:
            values = [entry for entry in values if entry is not None]
        return values if any(entry is not None for entry in values) else None
    if not isinstance(item, dict) or element is None:
        return item
    if element.type == _RESOURCE:
        return item
    kind = "Element" if name.startswith("_") else element.type
    inner = _stripped(item, model.types.get(kind, _ELEMENT), model)
    return inner or None


_ELEMENT: Final = {
    "id": Element("id", "id", repeats=False),
    "extension": Element("extension", "Extension", repeats=True),
}
