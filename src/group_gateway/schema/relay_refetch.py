"""Refetching for Relay: `@fetchable`, and a root field for each type that has it.

Relay's other way, `Query.node`, needs ids that are unique across all types; FHIR's are unique by
type only. In a supergraph no subgraph could resolve it for the types of the others.
"""

from collections.abc import Callable
from typing import Any, Final

import strawberry
import strawberry.federation
from strawberry.schema_directive import Location

from group_gateway.logical_ids import checked_id
from group_gateway.schema.arguments import PatientId, PractitionerId
from group_gateway.schema.reference_resource import EntityStub


@strawberry.schema_directive(
    name="fetchable",
    locations=[Location.OBJECT],
    description="Relay can read an object of this type again by this field of it.",
)
class Fetchable:
    """The directive that relay-compiler looks for."""

    field_name: str = strawberry.directive_field(name="field_name")


FETCHABLE: Final = Fetchable(field_name="id")


def fetch_patient(id: PatientId) -> EntityStub:
    """Return the patient with an id, whether or not it exists. Raises BadUserInput."""
    return EntityStub("Patient", checked_id(id))


def fetch_practitioner(id: PractitionerId) -> EntityStub:
    """Return the practitioner with an id, whether or not it exists. Raises BadUserInput."""
    return EntityStub("Practitioner", checked_id(id))


def refetched(resolver: Callable[..., Any], kind: type) -> Any:
    """Make the root field by which Relay reads an object of a type again.

    Any subgraph that has the type may offer it, so it is shareable.
    """
    return strawberry.federation.field(
        resolver=resolver,
        name=f"fetch__{kind.__name__}",
        graphql_type=kind | None,
        description=f"A {kind.__name__} by its logical id, for Relay's `@refetchable` fragments.",
        shareable=True,
    )
