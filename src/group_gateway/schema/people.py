"""The targets of references, as they are served when they are read from the upstream.

They replace the types in `entity_stubs`, and add fields to those in `group`, under the same GraphQL
names.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import strawberry
import strawberry.federation

from group_gateway.schema import group, reference_resource
from group_gateway.schema.context import Info
from group_gateway.schema.datatypes import CodeableConcept, Period
from group_gateway.schema.entity_stubs import Entity
from group_gateway.schema.group import ENTITY, Group, Identifier, Reference
from group_gateway.schema.people_datatypes import Attachment, ContactPoint, DeviceName, HumanName
from group_gateway.schema.upstream_elements import many, one, read_resource

_ID = "Its logical id."
_IDENTIFIER = "Business identifiers."
_ACTIVE = "Whether the record is in use."


@strawberry.type
class _Person:
    """What patients and practitioners have in common."""

    identifier: list[Identifier] | None = many(Identifier, "identifier", _IDENTIFIER)
    active: bool | None = one(bool, "active", _ACTIVE)
    name: list[HumanName] | None = many(HumanName, "name", "The names.")
    telecom: list[ContactPoint] | None = many(ContactPoint, "telecom", "Ways to reach them.")
    gender: str | None = one(str, "gender", "male, female, other or unknown.")
    birth_date: str | None = one(str, "birthDate", "A FHIR date.")
    photo: list[Attachment] | None = many(Attachment, "photo", "Pictures.")


@strawberry.type
class Patient(group.Patient, _Person):
    """A FHIR R4 Patient: the fields beside the groups."""


@strawberry.type
class Practitioner(group.Practitioner, _Person):
    """A FHIR R4 Practitioner: the fields beside the groups."""


@strawberry.federation.type(
    directives=[ENTITY], description="A practitioner in a role (FHIR R4 PractitionerRole)."
)
class PractitionerRole(Entity):
    """A FHIR R4 PractitionerRole."""

    id: strawberry.ID = strawberry.field(description=_ID)
    identifier: list[Identifier] | None = many(Identifier, "identifier", _IDENTIFIER)
    active: bool | None = one(bool, "active", _ACTIVE)
    period: Period | None = one(Period, "period", "When the role is or was held.")
    practitioner: Reference | None = one(Reference, "practitioner", "Who has the role.")
    organization: Reference | None = one(Reference, "organization", "Where they have it.")
    code: list[CodeableConcept] | None = many(CodeableConcept, "code", "The roles.")
    specialty: list[CodeableConcept] | None = many(CodeableConcept, "specialty", "Specialties.")
    telecom: list[ContactPoint] | None = many(ContactPoint, "telecom", "Ways to reach them.")


@strawberry.federation.type(directives=[ENTITY], description="A device (FHIR R4 Device).")
class Device(Entity):
    """A FHIR R4 Device."""

    id: strawberry.ID = strawberry.field(description=_ID)
    identifier: list[Identifier] | None = many(Identifier, "identifier", _IDENTIFIER)
    status: str | None = one(str, "status", "active, inactive, entered-in-error or unknown.")
    device_name: list[DeviceName] | None = many(DeviceName, "deviceName", "The names.")
    type: CodeableConcept | None = one(CodeableConcept, "type", "The kind of device.")
    manufacturer: str | None = one(str, "manufacturer", "Who made it.")
    model_number: str | None = one(str, "modelNumber", "The model.")
    serial_number: str | None = one(str, "serialNumber", "The serial number.")


@strawberry.federation.type(directives=[ENTITY], description="A medication (FHIR R4 Medication).")
class Medication(Entity):
    """A FHIR R4 Medication."""

    id: strawberry.ID = strawberry.field(description=_ID)
    identifier: list[Identifier] | None = many(Identifier, "identifier", _IDENTIFIER)
    code: CodeableConcept | None = one(CodeableConcept, "code", "What it is.")
    status: str | None = one(str, "status", "active, inactive or entered-in-error.")
    form: CodeableConcept | None = one(CodeableConcept, "form", "Powder, tablets …")


@strawberry.federation.type(directives=[ENTITY], description="A substance (FHIR R4 Substance).")
class Substance(Entity):
    """A FHIR R4 Substance."""

    id: strawberry.ID = strawberry.field(description=_ID)
    identifier: list[Identifier] | None = many(Identifier, "identifier", _IDENTIFIER)
    status: str | None = one(str, "status", "active, inactive or entered-in-error.")
    category: list[CodeableConcept] | None = many(CodeableConcept, "category", "Its class.")
    code: CodeableConcept | None = one(CodeableConcept, "code", "What it is.")
    description: str | None = one(str, "description", "What it is, in words.")


@strawberry.federation.type(
    directives=[ENTITY], description="An organization (FHIR R4 Organization)."
)
class Organization(Entity):
    """A FHIR R4 Organization."""

    id: strawberry.ID = strawberry.field(description=_ID)
    identifier: list[Identifier] | None = many(Identifier, "identifier", _IDENTIFIER)
    active: bool | None = one(bool, "active", _ACTIVE)
    type: list[CodeableConcept] | None = many(CodeableConcept, "type", "Its kinds.")
    name: str | None = one(str, "name", "Its name.")
    alias: list[str] | None = many(str, "alias", "Other names.")
    telecom: list[ContactPoint] | None = many(ContactPoint, "telecom", "Ways to reach it.")


@strawberry.federation.type(
    directives=[ENTITY], description="Somebody related to a patient (FHIR R4 RelatedPerson)."
)
class RelatedPerson(Entity):
    """A FHIR R4 RelatedPerson."""

    id: strawberry.ID = strawberry.field(description=_ID)
    identifier: list[Identifier] | None = many(Identifier, "identifier", _IDENTIFIER)
    active: bool | None = one(bool, "active", _ACTIVE)
    patient: Reference | None = one(Reference, "patient", "Whom they are related to.")
    relationship: list[CodeableConcept] | None = many(CodeableConcept, "relationship", "How.")
    name: list[HumanName] | None = many(HumanName, "name", "The names.")
    telecom: list[ContactPoint] | None = many(ContactPoint, "telecom", "Ways to reach them.")
    gender: str | None = one(str, "gender", "male, female, other or unknown.")
    birth_date: str | None = one(str, "birthDate", "A FHIR date.")
    photo: list[Attachment] | None = many(Attachment, "photo", "Pictures.")


PEOPLE: Final[tuple[type[Entity], ...]] = (
    group.Patient,
    group.Practitioner,
    PractitionerRole,
    Device,
    Medication,
    Substance,
    Organization,
    RelatedPerson,
)
READ_TYPES: Final = tuple(kind.__name__ for kind in PEOPLE)


def resource(parent: strawberry.Parent[Any], info: Info) -> Any:
    """Return something to await for the group or other resource; None where it leads elsewhere."""
    reference = reference_resource.followed(parent, info)
    if reference is None or reference.type == "Group":
        return reference_resource.resource(parent, info)
    if reference.type not in READ_TYPES:
        return None
    return read_resource(info, reference.type, reference.id)


@strawberry.type(
    description="A reference of a group, and what it leads to. The other fields are those of a "
    "FHIR R4 Reference."
)
class ResolvableReference(Reference):
    """The ResolvableReference whose resources are read."""

    resource: (
        Annotated[
            Group
            | group.Patient
            | group.Practitioner
            | PractitionerRole
            | Device
            | Medication
            | Substance
            | Organization
            | RelatedPerson,
            strawberry.union(
                "ReferencedResource", description="What a reference leads to, read from there."
            ),
        ]
        | None
    ) = strawberry.field(
        resolver=resource,
        description="What it leads to; null where that is not a resource of this upstream "
        "of one of these types, or does not exist.",
    )


FIELDS_OF: Final[Mapping[type, type]] = {
    group.Patient: Patient,
    group.Practitioner: Practitioner,
    group.ResolvableReference: ResolvableReference,
}
"""Types that the whole schema refers to, and the classes whose fields they have instead."""
