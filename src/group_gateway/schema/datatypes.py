"""FHIR R4's data types, as far as a Group uses them."""

import strawberry

from group_gateway.schema.elements import JsonObject, as_concept, list_of, read


@strawberry.type(description="A concept defined by a terminology system (FHIR R4 Coding).")
class Coding(JsonObject):
    """A FHIR R4 Coding."""

    system: str | None = strawberry.field(description="The terminology system, a URI.")
    version: str | None = strawberry.field(description="The version of the system.")
    code: str | None = strawberry.field(description="The symbol in the system's syntax.")
    display: str | None = strawberry.field(description="What the system calls it.")
    user_selected: bool | None = strawberry.field(
        description="Whether a user chose this coding directly."
    )


@strawberry.type(description="A concept: codings and/or text (FHIR R4 CodeableConcept).")
class CodeableConcept(JsonObject):
    """A FHIR R4 CodeableConcept."""

    coding: list[Coding] = list_of(Coding, "coding", "The concept in terminology systems.")
    text: str | None = strawberry.field(description="The concept in plain words.")


@strawberry.type(description="A span of time (FHIR R4 Period).")
class Period(JsonObject):
    """A FHIR R4 Period."""

    start: str | None = strawberry.field(description="Its start, a FHIR dateTime, inclusive.")
    end: str | None = strawberry.field(
        description="Its end, a FHIR dateTime, inclusive; none while it goes on."
    )


@strawberry.type(description="A measured amount (FHIR R4 Quantity).")
class Quantity(JsonObject):
    """A FHIR R4 Quantity."""

    value: float | None = strawberry.field(description="The number.")
    comparator: str | None = strawberry.field(description="One of <, <=, >=, >.")
    unit: str | None = strawberry.field(description="The unit as people read it.")
    system: str | None = strawberry.field(description="The system of the coded unit, a URI.")
    code: str | None = strawberry.field(description="The coded unit.")


@strawberry.type(description="A set of values between two bounds (FHIR R4 Range).")
class Range(JsonObject):
    """A FHIR R4 Range."""

    low: Quantity | None = strawberry.field(description="The low bound.")
    high: Quantity | None = strawberry.field(description="The high bound.")


@strawberry.type(description="A business identifier (FHIR R4 Identifier).")
class Identifier(JsonObject):
    """A FHIR R4 Identifier."""

    use: str | None = strawberry.field(description="usual, official, temp, secondary or old.")
    type: CodeableConcept | None = read(
        CodeableConcept, "type", as_concept, "What kind of identifier it is."
    )
    system: str | None = strawberry.field(description="The namespace of the value, a URI.")
    value: str | None = strawberry.field(description="The value, unique in its namespace.")
    period: Period | None = strawberry.field(description="When it is or was in use.")


@strawberry.type(description="What the server says about the resource itself (FHIR R4 Meta).")
class Meta(JsonObject):
    """A FHIR R4 Meta."""

    version_id: str | None = strawberry.field(description="The server's version of the resource.")
    last_updated: str | None = strawberry.field(description="When it last changed, an instant.")
