"""Inputs of FHIR's data types and of a Group's entries, and their FHIR values."""

import dataclasses
import enum
from decimal import Decimal
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from group_gateway.fhir.literal_reference import parse_reference
from group_gateway.schema.input_fields import is_given, optional


def to_fhir(value: Any) -> Any:
    """Return the FHIR value of an input's field."""
    if isinstance(value, list):
        return [to_fhir(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    return value.to_fhir() if isinstance(value, ElementInput) else value


def given_in(input: Any) -> dict[str, Any]:  # noqa: A002 - GraphQL's word
    """Return the given fields of an input, by their names in GraphQL."""
    return {to_camel_case(f.name): getattr(input, f.name) for f in dataclasses.fields(input)}


class ElementInput:
    """An input with the fields of a FHIR element, under FHIR's names in snake case."""

    def to_fhir(self) -> dict[str, Any]:
        """Return the FHIR value: the fields that hold one. FHIR has no empty lists."""
        return {k: to_fhir(v) for k, v in given_in(self).items() if is_given(v) and v != []}


@strawberry.input(description="A FHIR R4 Coding.")
class CodingInput(ElementInput):
    """See the type Coding."""

    system: str | None = optional("The terminology system, a URI.")
    version: str | None = optional("The version of the system.")
    code: str | None = optional("The symbol in the system's syntax.")
    display: str | None = optional("What the system calls it.")
    user_selected: bool | None = optional("Whether a user chose this coding directly.")


@strawberry.input(description="A FHIR R4 CodeableConcept.")
class CodeableConceptInput(ElementInput):
    """See the type CodeableConcept."""

    coding: list[CodingInput] | None = optional("The concept in terminology systems.")
    text: str | None = optional("The concept in plain words.")


@strawberry.input(description="A FHIR R4 Period; FHIR dateTimes.")
class PeriodInput(ElementInput):
    """See the type Period."""

    start: str | None = optional("Its start, inclusive.")
    end: str | None = optional("Its end, inclusive; none while it goes on.")


@strawberry.input(description="A FHIR R4 Quantity.")
class QuantityInput(ElementInput):
    """See the type Quantity."""

    value: Decimal | None = optional("The number.")
    comparator: str | None = optional("<, <=, >= or >.")
    unit: str | None = optional("The unit as people read it.")
    system: str | None = optional("The system of the coded unit, a URI.")
    code: str | None = optional("The coded unit.")


@strawberry.input(description="A FHIR R4 Range.")
class RangeInput(ElementInput):
    """See the type Range."""

    low: QuantityInput | None = optional("The low bound.")
    high: QuantityInput | None = optional("The high bound.")


@strawberry.input(description="A FHIR R4 Identifier.")
class IdentifierInput(ElementInput):
    """See the type Identifier."""

    use: str | None = optional("usual, official, temp …")
    type: CodeableConceptInput | None = optional("Its kind.")
    system: str | None = optional("The namespace, a URI.")
    value: str | None = optional("Unique in its namespace.")
    period: PeriodInput | None = optional("When it is or was in use.")
    assigner: "ReferenceInput | None" = optional("The organization that issued it.")


@strawberry.input(description="A FHIR R4 Reference.")
class ReferenceInput(ElementInput):
    """See the type Reference."""

    reference: str | None = optional("`Organization/<id>`.")
    type: str | None = optional("The type of what is referred to.")
    identifier: IdentifierInput | None = optional("A business identifier of what is referred to.")
    display: str | None = optional("What to show people.")


_WHO = (
    "As it is shown: `Patient/<id>`, `Practitioner/<id>`, `urn:uuid:…`. A member without a "
    "reference is named by its identifier, as `system|value`, or by its display."
)


@strawberry.input(description="A member to add, or to bring up to date.")
class MemberInput(ElementInput):
    """See the type Member."""

    reference: str = strawberry.field(description=_WHO)
    period: PeriodInput | None = optional("When it is or was a member.")
    inactive: bool | None = optional("Whether the membership has ended.")

    def to_fhir(self) -> dict[str, Any]:
        """Return the FHIR value, in which the member's reference is its entity's."""
        said = {"period": to_fhir(self.period), "inactive": self.inactive}
        given = {name: value for name, value in said.items() if is_given(value)}
        return _member(self.reference) | given


@strawberry.input(description="A member to remove.")
class MemberReferenceInput(ElementInput):
    """A member, by its reference or another text that identifies it."""

    reference: str = strawberry.field(description=_WHO)

    def to_fhir(self) -> dict[str, Any]:
        """Return the FHIR value."""
        return _member(self.reference)


def _member(text: str) -> dict[str, Any]:
    reference = parse_reference(text)
    return {"entity": {"reference": text} | ({"type": reference.type} if reference else {})}


@strawberry.input(description="A trait: a code, and exactly one value.")
class CharacteristicInput(ElementInput):
    """See the type Characteristic."""

    code: CodeableConceptInput = strawberry.field(description="The kind of trait.")
    exclude: bool = strawberry.field(
        default=False, description="Whether the members don't have it."
    )
    period: PeriodInput | None = optional("When it holds.")
    value_codeable_concept: CodeableConceptInput | None = optional("The trait, as a concept.")
    value_boolean: bool | None = optional("The trait, as true or false.")
    value_quantity: QuantityInput | None = optional("The trait, as an amount.")
    value_range: RangeInput | None = optional("The trait, as a range.")
    value_reference: ReferenceInput | None = optional("The trait, as a reference.")
