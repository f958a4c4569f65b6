"""Inputs of FHIR's data types and of a Group's entries, and what they are in FHIR's words."""

import dataclasses
import enum
from decimal import Decimal
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from group_gateway.fhir.literal_reference import parse_reference


def is_given(value: object) -> bool:
    """Return whether an optional field of an input holds a value."""
    return value is not None and value is not strawberry.UNSET


def to_fhir(value: Any) -> Any:
    """Return the FHIR value of an input's field."""
    if isinstance(value, list):
        return [to_fhir(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    return value.to_fhir() if isinstance(value, Element) else value


def given_in(input: Any) -> dict[str, Any]:  # noqa: A002 - GraphQL's word
    """Return the fields of an input, by their names in GraphQL, with what they hold."""
    return {to_camel_case(f.name): getattr(input, f.name) for f in dataclasses.fields(input)}


class Element:
    """An input with the fields of a FHIR element, under FHIR's names in snake case."""

    def to_fhir(self) -> dict[str, Any]:
        """Return the FHIR value: the fields that hold one. FHIR has no empty lists."""
        return {k: to_fhir(v) for k, v in given_in(self).items() if is_given(v) and v != []}


@strawberry.input(description="A FHIR R4 Coding.")
class CodingInput(Element):
    """See the type Coding."""

    system: str | None = strawberry.field(default=strawberry.UNSET, description="A URI.")
    version: str | None = strawberry.field(default=strawberry.UNSET, description="Of the system.")
    code: str | None = strawberry.field(default=strawberry.UNSET, description="The symbol.")
    display: str | None = strawberry.field(
        default=strawberry.UNSET, description="What the system calls it."
    )
    user_selected: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Chosen by a user."
    )


@strawberry.input(description="A FHIR R4 CodeableConcept.")
class CodeableConceptInput(Element):
    """See the type CodeableConcept."""

    coding: list[CodingInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Codings."
    )
    text: str | None = strawberry.field(default=strawberry.UNSET, description="In plain words.")


@strawberry.input(description="A FHIR R4 Period; FHIR dateTimes.")
class PeriodInput(Element):
    """See the type Period."""

    start: str | None = strawberry.field(default=strawberry.UNSET, description="Inclusive.")
    end: str | None = strawberry.field(default=strawberry.UNSET, description="Inclusive.")


@strawberry.input(description="A FHIR R4 Quantity.")
class QuantityInput(Element):
    """See the type Quantity."""

    value: Decimal | None = strawberry.field(default=strawberry.UNSET, description="The number.")
    comparator: str | None = strawberry.field(
        default=strawberry.UNSET, description="<, <=, >= or >."
    )
    unit: str | None = strawberry.field(default=strawberry.UNSET, description="As people read it.")
    system: str | None = strawberry.field(
        default=strawberry.UNSET, description="Of the code, a URI."
    )
    code: str | None = strawberry.field(default=strawberry.UNSET, description="The coded unit.")


@strawberry.input(description="A FHIR R4 Range.")
class RangeInput(Element):
    """See the type Range."""

    low: QuantityInput | None = strawberry.field(
        default=strawberry.UNSET, description="The low bound."
    )
    high: QuantityInput | None = strawberry.field(
        default=strawberry.UNSET, description="The high bound."
    )


@strawberry.input(description="A FHIR R4 Identifier.")
class IdentifierInput(Element):
    """See the type Identifier."""

    use: str | None = strawberry.field(
        default=strawberry.UNSET, description="usual, official, temp …"
    )
    type: CodeableConceptInput | None = strawberry.field(
        default=strawberry.UNSET, description="Its kind."
    )
    system: str | None = strawberry.field(
        default=strawberry.UNSET, description="The namespace, a URI."
    )
    value: str | None = strawberry.field(
        default=strawberry.UNSET, description="Unique in its namespace."
    )
    period: PeriodInput | None = strawberry.field(
        default=strawberry.UNSET, description="When in use."
    )
    assigner: "ReferenceInput | None" = strawberry.field(
        default=strawberry.UNSET, description="The organization that issued it."
    )


@strawberry.input(description="A FHIR R4 Reference.")
class ReferenceInput(Element):
    """See the type Reference."""

    reference: str | None = strawberry.field(
        default=strawberry.UNSET, description="`Organization/<id>`."
    )
    type: str | None = strawberry.field(
        default=strawberry.UNSET, description="The type referred to."
    )
    identifier: IdentifierInput | None = strawberry.field(
        default=strawberry.UNSET, description="Business id."
    )
    display: str | None = strawberry.field(
        default=strawberry.UNSET, description="What to show people."
    )


_WHO = (
    "As it is shown: `Patient/<id>`, `Practitioner/<id>`, `urn:uuid:…`. A member without a "
    "reference is named by its identifier, as `system|value`, or by its display."
)


@strawberry.input(description="A member to add, or to bring up to date.")
class MemberInput(Element):
    """See the type Member."""

    reference: str = strawberry.field(description=_WHO)
    period: PeriodInput | None = strawberry.field(
        default=strawberry.UNSET, description="When a member."
    )
    inactive: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether the membership has ended."
    )

    def to_fhir(self) -> dict[str, Any]:
        """Return the FHIR value: what is a member's reference here is its entity's there."""
        said = {"period": to_fhir(self.period), "inactive": self.inactive}
        given = {name: value for name, value in said.items() if is_given(value)}
        return _member(self.reference) | given


@strawberry.input(description="A member to remove.")
class MemberReferenceInput(Element):
    """A member, by what names it."""

    reference: str = strawberry.field(description=_WHO)

    def to_fhir(self) -> dict[str, Any]:
        """Return the FHIR value."""
        return _member(self.reference)


def _member(text: str) -> dict[str, Any]:
    reference = parse_reference(text)
    return {"entity": {"reference": text} | ({"type": reference.type} if reference else {})}


@strawberry.input(description="A trait: a code, and exactly one value.")
class CharacteristicInput(Element):
    """See the type Characteristic."""

    code: CodeableConceptInput = strawberry.field(description="The kind of trait.")
    exclude: bool = strawberry.field(default=False, description="Members don't have it.")
    period: PeriodInput | None = strawberry.field(
        default=strawberry.UNSET, description="When it holds."
    )
    value_codeable_concept: CodeableConceptInput | None = strawberry.field(
        default=strawberry.UNSET, description="As a concept."
    )
    value_boolean: bool | None = strawberry.field(
        default=strawberry.UNSET, description="As a boolean."
    )
    value_quantity: QuantityInput | None = strawberry.field(
        default=strawberry.UNSET, description="As an amount."
    )
    value_range: RangeInput | None = strawberry.field(
        default=strawberry.UNSET, description="As a range."
    )
    value_reference: ReferenceInput | None = strawberry.field(
        default=strawberry.UNSET, description="As a reference."
    )
