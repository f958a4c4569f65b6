"""Entities of other subgraphs that a group can refer to: only their ids are known here."""

import strawberry
import strawberry.federation
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from group_gateway.fhir.fhir_resource import FhirResource
from group_gateway.schema import reference_resource


class Entity:
    """Base of types whose ids are known here, and other elements only if they are read."""

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Return whether a value can be shown as this type (called by graphql-core)."""
        if not isinstance(value, reference_resource.EntityStub | FhirResource):
            return False
        return value.type == cls.__name__


STUB = Key(fields=FieldSet("id"), resolvable=False)


@strawberry.federation.type(
    keys=[STUB], description="A practitioner in a role, of another subgraph."
)
class PractitionerRole(Entity):
    """A FHIR R4 PractitionerRole, as a stub."""

    id: strawberry.ID = strawberry.field(description="Its logical id.")


@strawberry.federation.type(keys=[STUB], description="A device, of another subgraph.")
class Device(Entity):
    """A FHIR R4 Device, as a stub."""

    id: strawberry.ID = strawberry.field(description="Its logical id.")


@strawberry.federation.type(keys=[STUB], description="A medication, of another subgraph.")
class Medication(Entity):
    """A FHIR R4 Medication, as a stub."""

    id: strawberry.ID = strawberry.field(description="Its logical id.")


@strawberry.federation.type(keys=[STUB], description="A substance, of another subgraph.")
class Substance(Entity):
    """A FHIR R4 Substance, as a stub."""

    id: strawberry.ID = strawberry.field(description="Its logical id.")
