"""FHIR R4's data types, as far as a Group uses them.

Other subgraphs of a supergraph have them too, so they are shareable.
"""

from decimal import Decimal
from typing import ClassVar

import strawberry
import strawberry.federation

from group_gateway.schema.elements import JsonObject, element, list_of, texts


@strawberry.federation.type(
    shareable=True, description="A concept defined by a terminology system (FHIR R4 Coding)."
)
class Coding(JsonObject):
    """A FHIR R4 Coding."""

    system: str | None = element("The terminology system, a URI.")
    version: str | None = element("The version of the system.")
    code: str | None = element("The symbol in the system's syntax.")
    display: str | None = element("What the system calls it.")
    user_selected: bool | None = element("Whether a user chose this coding directly.")


@strawberry.federation.type(
    shareable=True, description="A concept: codings and/or text (FHIR R4 CodeableConcept)."
)
class CodeableConcept(JsonObject):
    """A FHIR R4 CodeableConcept."""

    bare: ClassVar[str | None] = "text"

    coding: list[Coding] = list_of(Coding, "coding", "The concept in terminology systems.")
    text: str | None = element("The concept in plain words.")


@strawberry.federation.type(shareable=True, description="A span of time (FHIR R4 Period).")
class Period(JsonObject):
    """A FHIR R4 Period."""

    start: str | None = element("Its start, a FHIR dateTime, inclusive.")
    end: str | None = element("Its end, a FHIR dateTime, inclusive; none while it goes on.")


@strawberry.federation.type(shareable=True, description="A measured amount (FHIR R4 Quantity).")
class Quantity(JsonObject):
    """A FHIR R4 Quantity."""

    value: Decimal | None = element("The number, with all its digits.")
    comparator: str | None = element("One of <, <=, >=, >.")
    unit: str | None = element("The unit as people read it.")
    system: str | None = element("The system of the coded unit, a URI.")
    code: str | None = element("The coded unit.")


@strawberry.federation.type(
    shareable=True, description="A set of values between two bounds (FHIR R4 Range)."
)
class Range(JsonObject):
    """A FHIR R4 Range."""

    low: Quantity | None = element("The low bound.")
    high: Quantity | None = element("The high bound.")


@strawberry.federation.type(
    shareable=True, description="What the server says about the resource itself (FHIR R4 Meta)."
)
class Meta(JsonObject):
    """A FHIR R4 Meta."""

    version_id: str | None = element("The server's version of the resource.")
    last_updated: str | None = element("When it last changed, an instant.")
    source: str | None = element("Where the resource comes from, a URI.")
    profile: list[str] = texts("profile", "The profiles that it claims to conform to.")
    security: list[Coding] = list_of(Coding, "security", "Its security labels.")
    tag: list[Coding] = list_of(Coding, "tag", "Its tags.")
