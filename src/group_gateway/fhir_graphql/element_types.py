"""GraphQL object types for FHIR's types, built from the model.

Their source values are decoded JSON objects; resolvers look elements up and check their shape.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
)

from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.fhir.group_rules import RELATED_TYPES
from group_gateway.fhir_graphql.fhir_scalars import scalar_for
from group_gateway.fhir_graphql.list_navigation import navigated, navigation_arguments
from group_gateway.fhir_graphql.model import Element, Model

ExtraFields = Mapping[str, Callable[[], dict[str, GraphQLField]]]
PLAIN = "plain"
"""Key in the extensions of a field that shows an element unchanged."""
OTHER_RESOURCE = "OtherResource"
ELEMENT_BASE = "ElementBase"
_IS_PLAIN = {PLAIN: True}
_RESOURCE_ELEMENTS = (
    Element("id", "id", repeats=False),
    Element("meta", "Meta", repeats=False),
    Element("implicitRules", "uri", repeats=False),
    Element("language", "code", repeats=False),
)


class ElementTypes:
    """The object types of a model. `extra` gives more fields of some types, by type name."""

    def __init__(self, model: Model, extra: ExtraFields) -> None:
        self._model = model
        self._extra = extra
        self.resource = GraphQLInterfaceType(
            "Resource",
            lambda: self._fields_of(_RESOURCE_ELEMENTS, is_resource=True),
            resolve_type=lambda value, _info, _type: type_of_resource(value),
            description="Any FHIR resource.",
        )
        self._types = {name: self._object(name) for name in model.types}
        self._types[OTHER_RESOURCE] = GraphQLObjectType(
            OTHER_RESOURCE,
            lambda: self._fields_of(_RESOURCE_ELEMENTS, is_resource=True),
            interfaces=[self.resource],
            description="A resource of a type that this interface does not show whole.",
        )
        extension = Element("extension", "Extension", repeats=True)
        self._types[ELEMENT_BASE] = GraphQLObjectType(
            ELEMENT_BASE,
            lambda: self._fields_of((Element("id", "id", repeats=False), extension)),
            description="What stands beside a primitive value: its id and extensions.",
        )

    def __getitem__(self, name: str) -> GraphQLObjectType:
        return self._types[name]

    def all(self) -> list[GraphQLObjectType]:
        """Return all object types."""
        return list(self._types.values())

    def _object(self, name: str) -> GraphQLObjectType:
        is_resource = name in RELATED_TYPES

        def fields() -> dict[str, GraphQLField]:
            elements = self._model.types[name].values()
            extra = self._extra[name]() if name in self._extra else {}
            return {**self._fields_of(elements, is_resource=is_resource), **extra}

        return GraphQLObjectType(
            name,
            fields,
            interfaces=[self.resource] if is_resource else None,
            description=f"FHIR R4's type {name}.",
        )

    def _fields_of(self, elements: Any, *, is_resource: bool = False) -> dict[str, GraphQLField]:
        fields: dict[str, GraphQLField] = {}
        if is_resource:
            fields["resourceType"] = GraphQLField(
                GraphQLNonNull(GraphQLString),
                resolve=_lookup("resourceType"),
                extensions=_IS_PLAIN,
            )
        for element in elements:
            fields[element.name] = self._field(element)
            if element.is_primitive and not element.is_id:
                fields[f"_{element.name}"] = self._sibling(element)
        return fields

    def _field(self, element: Element) -> GraphQLField:
        if element.is_primitive:
            scalar = scalar_for("id" if element.is_id else element.type)
            if element.repeats:
                kinds = GraphQLList(scalar)
                return GraphQLField(kinds, resolve=_list(element.name), extensions=_IS_PLAIN)
            return GraphQLField(scalar, resolve=_lookup(element.name), extensions=_IS_PLAIN)
        kind: GraphQLOutputType = self._complex(element.type)
        if not element.repeats:
            return GraphQLField(kind, resolve=_object(element.name), extensions=_IS_PLAIN)
        elements = self._model.types.get(element.type)
        children = _RESOURCE_ELEMENTS if elements is None else elements.values()
        return GraphQLField(
            GraphQLList(kind),
            args=navigation_arguments(children),
            resolve=_navigated(element.name),
            extensions=_IS_PLAIN,
        )

    def _complex(self, name: str) -> GraphQLOutputType:
        return self.resource if name == "Resource" else self._types[name]

    def _sibling(self, element: Element) -> GraphQLField:
        base = self._types[ELEMENT_BASE]
        name = f"_{element.name}"
        if element.repeats:
            return GraphQLField(GraphQLList(base), resolve=_objects(name), extensions=_IS_PLAIN)
        return GraphQLField(base, resolve=_object(name), extensions=_IS_PLAIN)


def type_of_resource(value: Mapping[str, Any]) -> str:
    """Return the name of the object type of a decoded resource."""
    name = value.get("resourceType")
    return name if isinstance(name, str) and name in RELATED_TYPES else OTHER_RESOURCE


def broken(name: str) -> UpstreamInvalidResponse:
    """Return the error for an element whose value is invalid FHIR."""
    return UpstreamInvalidResponse(f"The upstream sent a broken `{name}`.")


def objects_in(value: Any, name: str) -> list[Any] | None:
    """Return the objects of a repeating element; raise UpstreamInvalidResponse for other values."""
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(v, dict) or v is None for v in value):
        raise broken(name)
    return value


def _lookup(name: str) -> Callable[..., Any]:
    def resolve(source: Any, _info: Any) -> Any:
        return source.get(name)

    return resolve


def _object(name: str) -> Callable[..., Any]:
    def resolve(source: Any, _info: Any) -> Any:
        value = source.get(name)
        if value is not None and not isinstance(value, dict):
            raise broken(name)
        return value

    return resolve


def _list(name: str) -> Callable[..., Any]:
    def resolve(source: Any, _info: Any) -> Any:
        value = source.get(name)
        if value is not None and not isinstance(value, list):
            raise broken(name)
        return value

    return resolve


def _objects(name: str) -> Callable[..., Any]:
    def resolve(source: Any, _info: Any) -> Any:
        return objects_in(source.get(name), name)

    return resolve


def _navigated(name: str) -> Callable[..., Any]:
    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        items = objects_in(source.get(name), name)
        return navigated(items, arguments, info.context.steps) if arguments else items

    return resolve
