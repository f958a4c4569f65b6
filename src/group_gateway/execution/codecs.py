"""Compiled selections of FHIR elements: JSON in, the selected JSON out, in one pass of C code.

For a selection on a type whose values are JSON objects a msgspec Struct is generated: its fields
are the selected elements in response order, as strict as FHIR. A value that does not fit raises
msgspec.ValidationError, and graphql-core then reports the error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from group_gateway.execution.selection import (
    Fields,
    NotCompilable,
    Selection,
    field_of,
    is_typename,
)
from group_gateway.fhir.decimals import checked_number
from group_gateway.schema.elements import (
    EMPTY_WHEN_ABSENT,
    PLAIN_ELEMENT,
    JsonObject,
    element_name,
)

DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF
"""The extension of graphql-core's schema, types and fields that holds Strawberry's definition."""
# GraphQL's Int (GraphQL specification, section 3.5.1) is narrower than JSON's numbers.
_INT = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_SCALARS: dict[str, Any] = {
    "String": str,
    "ID": str,
    "Int": _INT,
    "Boolean": bool,
}
_FIELD = "f{}".format


@dataclass(frozen=True, slots=True)
class ElementStruct:
    """A selection of elements: `read` decodes it, `show` encodes it under its response keys.

    Both are one class unless an alias renames an element somewhere below. `codes` are attributes
    whose FHIR code is to become an enum's name.
    """

    read: type[msgspec.Struct]
    show: type[msgspec.Struct]
    codes: tuple[tuple[str, dict[str, str]], ...]

    def shown(self, value: Any) -> Any:
        """Return what to encode for a decoded value."""
        if self.read is not self.show:
            value = msgspec.convert(value, self.show, from_attributes=True)
        for attribute, names in self.codes:
            code = getattr(value, attribute)
            if code is not None:
                setattr(value, attribute, names[code])
        return value

    def from_json(self) -> Callable[[bytes], Any]:
        """Return the function from JSON bytes to what to encode."""
        decode = msgspec.json.Decoder(self.read).decode
        if not self.codes and self.read is self.show:
            return decode
        return lambda raw: self.shown(decode(raw))


@dataclass(slots=True)
class _StructField:
    """An element in the two structs: its name and key, its types there, and its default."""

    element: str
    key: str
    read: Any
    show: Any
    default: Any


def is_json_type(type: GraphQLObjectType) -> bool:
    """Return whether the values of a type are decoded JSON objects."""
    definition = type.extensions.get(DEFINITION)
    return definition is not None and issubclass(definition.origin, JsonObject)


def element_of(field: StrawberryField, node: FieldNode) -> str | None:
    """Return the FHIR element that a field shows unchanged; else None."""
    if node.arguments:
        return None
    metadata: Mapping[Any, Any] = field.metadata or {}
    named = metadata.get(PLAIN_ELEMENT)
    if named is not None:
        return str(named)
    return element_name(field.python_name) if field.base_resolver is None else None


def compile_struct(type: GraphQLObjectType, fields: Fields, selection: Selection) -> ElementStruct:
    """Compile a selection on a type of elements; raises NotCompilable."""
    codes: list[tuple[str, dict[str, str]]] = []
    parts = []
    for index, (key, details) in enumerate(fields.items()):
        if is_typename(details):
            name: Any = Literal[type.name]
            parts.append(_StructField("__typename", key, name, name, type.name))
            continue
        field = field_of(type, details)
        element = element_of(field.extensions[DEFINITION], details[0].node)
        if element is None:
            raise NotCompilable("a field that is more than an element")
        part = _part(element, key, _never_null(field), details, selection)
        if _code_names(field.type) is not None:
            codes.append((_FIELD(index), _code_names(field.type) or {}))
        parts.append(part)
    if len({part.element for part in parts}) != len(parts):
        raise NotCompilable("an element under two response keys")
    read = _define(type.name, parts, lambda p: (p.read, p.default), lambda p: p.element)
    if all(part.element == part.key and part.read == part.show for part in parts):
        return ElementStruct(read, read, tuple(codes))
    show = _define(type.name, parts, lambda p: (p.show, msgspec.NODEFAULT), lambda p: p.key)
    return ElementStruct(read, show, tuple(codes))


def _never_null(field: GraphQLField) -> GraphQLOutputType:
    """Return the type of a field; that of a list which is not null where the object is there."""
    metadata: Mapping[Any, Any] = field.extensions[DEFINITION].metadata or {}
    if EMPTY_WHEN_ABSENT in metadata and isinstance(field.type, GraphQLList):
        return GraphQLNonNull(field.type)
    return field.type


def _define(
    name: str,
    parts: list[_StructField],
    spec: Callable[[_StructField], tuple[Any, Any]],
    rename: Callable[[_StructField], str],
) -> type[msgspec.Struct]:
    names = {_FIELD(i): rename(part) for i, part in enumerate(parts)}
    fields = [(_FIELD(i), *spec(part)) for i, part in enumerate(parts)]
    # Tracked by no garbage collector: the values are trees, and there are many of them.
    return msgspec.defstruct(
        name,
        [(n, t) if d is msgspec.NODEFAULT else (n, t, d) for n, t, d in fields],
        rename=names,
        kw_only=True,
        gc=False,
        namespace=_check_decimals([n for n, t, _ in fields if t is msgspec.Raw]),
    )


def _part(
    element: str,
    key: str,
    type: GraphQLOutputType,
    details: list[Any],
    selection: Selection,
) -> _StructField:
    required = isinstance(type, GraphQLNonNull)
    inner = type.of_type if isinstance(type, GraphQLNonNull) else type
    read, show = _types(inner, details, selection)
    if _is_decimal(inner) and not required:  # null is valid as a number's bytes
        return _StructField(element, key, read, show, msgspec.Raw(b"null"))
    if not required:
        return _StructField(element, key, _optional(read), _optional(show), None)
    return _StructField(element, key, read, show, _default(inner))


def _optional(type: Any) -> Any:
    return type | None


def _default(type: GraphQLOutputType) -> Any:
    """Return the value of an absent required element, as the resolvers have it."""
    if isinstance(type, GraphQLList):
        return msgspec.field(default_factory=list)
    if isinstance(type, GraphQLScalarType) and type.name == "Boolean":
        return False
    return msgspec.NODEFAULT


def _types(type: GraphQLOutputType, details: list[Any], selection: Selection) -> tuple[Any, Any]:
    if isinstance(type, GraphQLList):
        item = type.of_type
        if not isinstance(item, GraphQLNonNull):
            raise NotCompilable("a list with nulls")
        read, show = _types(item.of_type, details, selection)
        return list[read], list[show]  # type: ignore[valid-type]
    if isinstance(type, GraphQLObjectType) and is_json_type(type):
        inner = compile_struct(type, selection.subfields(type, details), selection)
        if inner.codes:
            raise NotCompilable("a code below the top")
        return inner.read, inner.show
    if isinstance(type, GraphQLEnumType):
        codes: Any = Literal[tuple(_code_names(type) or ())]
        return codes, codes
    if _is_decimal(type):
        return msgspec.Raw, msgspec.Raw
    if isinstance(type, GraphQLScalarType) and type.name in _SCALARS:
        scalar = _SCALARS[type.name]
        return scalar, scalar
    raise NotCompilable(f"a value of type {type}")


def _is_decimal(type: GraphQLOutputType) -> bool:
    """Return whether values are numbers whose bytes are kept."""
    return isinstance(type, GraphQLScalarType) and type.name == "Decimal"


def _check_decimals(attributes: list[str]) -> dict[str, Any]:
    """Return the class attributes that check decoded numbers."""

    def __post_init__(self: Any) -> None:  # noqa: N807 - msgspec's hook
        for attribute in attributes:
            setattr(self, attribute, checked_number(getattr(self, attribute)))

    return {"__post_init__": __post_init__} if attributes else {}


def _code_names(type: GraphQLOutputType) -> dict[str, str] | None:
    """Return the GraphQL name of each FHIR code of an enum."""
    inner = type.of_type if isinstance(type, GraphQLNonNull) else type
    if not isinstance(inner, GraphQLEnumType):
        return None
    definition = inner.extensions[DEFINITION]
    members: Mapping[str, Any] = definition.wrapped_cls.__members__
    return {str(member.value): name for name, member in members.items()}
