"""Inputs of mutations, and what they are in FHIR's words.

An input's optional field is a `Maybe`: omitted keeps, null clears, a value sets.
"""

from typing import Any

import strawberry
from strawberry import Maybe, Some

from group_gateway.schema.codes import GroupType

Element = dict[str, Any]


@strawberry.input(description="A FHIR R4 Coding.")
class CodingInput:
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

    def to_fhir(self) -> Element:
        """Give the FHIR value."""
        return _present(
            system=self.system,
            version=self.version,
            code=self.code,
            display=self.display,
            userSelected=self.user_selected,
        )


@strawberry.input(description="A FHIR R4 CodeableConcept.")
class CodeableConceptInput:
    """See the type CodeableConcept."""

    coding: list[CodingInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Codings."
    )
    text: str | None = strawberry.field(default=strawberry.UNSET, description="In plain words.")

    def to_fhir(self) -> Element:
        """Give the FHIR value."""
        return _present(coding=[c.to_fhir() for c in self.coding or []] or None, text=self.text)


@strawberry.input(description="A FHIR R4 Period; FHIR dateTimes.")
class PeriodInput:
    """See the type Period."""

    start: str | None = strawberry.field(default=strawberry.UNSET, description="Inclusive.")
    end: str | None = strawberry.field(default=strawberry.UNSET, description="Inclusive.")

    def to_fhir(self) -> Element:
        """Give the FHIR value."""
        return _present(start=self.start, end=self.end)


@strawberry.input(description="A FHIR R4 Quantity.")
class QuantityInput:
    """See the type Quantity."""

    value: float | None = strawberry.field(default=strawberry.UNSET, description="The number.")
    comparator: str | None = strawberry.field(
        default=strawberry.UNSET, description="<, <=, >= or >."
    )
    unit: str | None = strawberry.field(default=strawberry.UNSET, description="As people read it.")
    system: str | None = strawberry.field(
        default=strawberry.UNSET, description="Of the code, a URI."
    )
    code: str | None = strawberry.field(default=strawberry.UNSET, description="The coded unit.")

    def to_fhir(self) -> Element:
        """Give the FHIR value."""
        return _present(
            value=self.value,
            comparator=self.comparator,
            unit=self.unit,
            system=self.system,
            code=self.code,
        )


@strawberry.input(description="A FHIR R4 Range.")
class RangeInput:
    """See the type Range."""

    low: QuantityInput | None = strawberry.field(
        default=strawberry.UNSET, description="The low bound."
    )
    high: QuantityInput | None = strawberry.field(
        default=strawberry.UNSET, description="The high bound."
    )

    def to_fhir(self) -> Element:
        """Give the FHIR value."""
        return _present(
            low=self.low.to_fhir() if self.low else None,
            high=self.high.to_fhir() if self.high else None,
        )


@strawberry.input(description="A FHIR R4 Identifier.")
class IdentifierInput:
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

    def to_fhir(self) -> Element:
        """Give the FHIR value."""
        return _present(
            use=self.use,
            type=self.type.to_fhir() if self.type else None,
            system=self.system,
            value=self.value,
            period=self.period.to_fhir() if self.period else None,
            assigner=self.assigner.to_fhir() if self.assigner else None,
        )


@strawberry.input(description="A FHIR R4 Reference.")
class ReferenceInput:
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

    def to_fhir(self) -> Element:
        """Give the FHIR value."""
        return _present(
            reference=self.reference,
            type=self.type,
            identifier=self.identifier.to_fhir() if self.identifier else None,
            display=self.display,
        )


@strawberry.input(description="A member to add, or to bring up to date.")
class MemberInput:
    """See the type Member."""

    reference: str = strawberry.field(description="`Patient/<id>`, `Practitioner/<id>` …")
    period: PeriodInput | None = strawberry.field(
        default=strawberry.UNSET, description="When a member."
    )
    inactive: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether the membership has ended."
    )

    def to_fhir(self) -> Element:
        """Give the FHIR value."""
        return _present(
            entity={"reference": self.reference, "type": self.reference.split("/")[-2:][0]},
            period=self.period.to_fhir() if self.period else None,
            inactive=self.inactive,
        )


@strawberry.input(description="A member to remove.")
class MemberReferenceInput:
    """A member, by reference."""

    reference: str = strawberry.field(description="`Patient/<id>`, `Practitioner/<id>` …")


@strawberry.input(description="A trait: a code, and exactly one value.")
class CharacteristicInput:
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

    def to_fhir(self) -> Element:
        """Give the FHIR value."""
        values = {
            "valueCodeableConcept": self.value_codeable_concept,
            "valueQuantity": self.value_quantity,
            "valueRange": self.value_range,
            "valueReference": self.value_reference,
        }
        return _present(
            code=self.code.to_fhir(),
            exclude=self.exclude,
            period=self.period.to_fhir() if self.period else None,
            valueBoolean=self.value_boolean,
            **{name: value.to_fhir() for name, value in values.items() if value},
        )


@strawberry.input(description="A group to create.")
class CreateGroupInput:
    """The input of createGroup."""

    type: GroupType = strawberry.field(description="What it is made of.")
    name: str = strawberry.field(description="Its name, 1 to 1000 characters.")
    active: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it is in use."
    )
    actual: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether it has known members; true unless told otherwise.",
    )
    code: CodeableConceptInput | None = strawberry.field(
        default=strawberry.UNSET, description="Of members."
    )
    identifier: list[IdentifierInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Business identifiers."
    )
    managing_entity: ReferenceInput | None = strawberry.field(
        default=strawberry.UNSET, description="Who is responsible."
    )
    characteristic: list[CharacteristicInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Traits of the members."
    )
    responsibilities: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="A team's responsibilities."
    )
    member: list[MemberInput] | None = strawberry.field(
        default=strawberry.UNSET, description="The members, 10000 at most."
    )


@strawberry.input(
    description="What to change of a group: an omitted field stays as it is, null clears it, "
    "a value sets it."
)
class UpdateGroupInput:
    """The input of updateGroup."""

    id: strawberry.ID = strawberry.field(description="The group to change.")
    type: Maybe[GroupType | None] = strawberry.field(description="Can't be cleared.")
    name: Maybe[str | None] = strawberry.field(description="Can't be cleared.")
    active: Maybe[bool | None] = strawberry.field(description="Whether it is in use.")
    actual: Maybe[bool | None] = strawberry.field(description="Can't be cleared.")
    code: Maybe[CodeableConceptInput | None] = strawberry.field(description="Of members.")
    identifier: Maybe[list[IdentifierInput] | None] = strawberry.field(
        description="All business identifiers."
    )
    managing_entity: Maybe[ReferenceInput | None] = strawberry.field(
        description="Who is responsible."
    )
    characteristic: Maybe[list[CharacteristicInput] | None] = strawberry.field(
        description="All traits; responsibilities are among them."
    )
    member: Maybe[list[MemberInput] | None] = strawberry.field(
        description="All members. To add or remove some, use the mutations for that: they can't "
        "undo a colleague's edit."
    )
    if_version: str | None = strawberry.field(
        default=strawberry.UNSET, description="Change it only if this is still its `version`."
    )


@strawberry.input(description="Members to add to a group.")
class AddGroupMembersInput:
    """The input of addGroupMembers."""

    group_id: strawberry.ID = strawberry.field(description="The group.")
    members: list[MemberInput] = strawberry.field(description="At most 10000.")
    if_version: str | None = strawberry.field(
        default=strawberry.UNSET, description="Change it only if this is still its `version`."
    )


@strawberry.input(description="Members to remove from a group.")
class RemoveGroupMembersInput:
    """The input of removeGroupMembers."""

    group_id: strawberry.ID = strawberry.field(description="The group.")
    members: list[MemberReferenceInput] = strawberry.field(description="At most 10000.")
    if_version: str | None = strawberry.field(
        default=strawberry.UNSET, description="Change it only if this is still its `version`."
    )


@strawberry.input(description="The responsibilities that a team is to have.")
class SetGroupResponsibilitiesInput:
    """The input of setGroupResponsibilities."""

    group_id: strawberry.ID = strawberry.field(description="The team.")
    responsibilities: list[str] = strawberry.field(description="All of them; others go.")
    if_version: str | None = strawberry.field(
        default=strawberry.UNSET, description="Change it only if this is still its `version`."
    )


def to_fhir(value: Any) -> Any:
    """Give the FHIR value of an input's field."""
    if isinstance(value, list):
        return [to_fhir(item) for item in value]
    if isinstance(value, GroupType):
        return value.value
    return value.to_fhir() if hasattr(value, "to_fhir") else value


def given(**fields: Any) -> Element:
    """Give the FHIR values of the `Maybe` fields that were given, null ones as None."""
    return {name: to_fhir(field.value) for name, field in fields.items() if isinstance(field, Some)}


def is_given(value: object) -> bool:
    """Tell whether an optional field of an input holds a value."""
    return value is not None and value is not strawberry.UNSET


def _present(**values: Any) -> Element:
    return {name: value for name, value in values.items() if is_given(value)}
