"""Builds the one schema: always federated (Federation 2), printed to `schema.graphql`."""

from typing import Any

import strawberry.federation
from strawberry.federation.schema import FederationAny
from strawberry.schema.config import StrawberryConfig

from group_gateway.schema.context import Info
from group_gateway.schema.elements import default_resolver
from group_gateway.schema.entities import resolve_entities
from group_gateway.schema.group import (
    Device,
    Medication,
    Patient,
    Practitioner,
    PractitionerRole,
    Substance,
)
from group_gateway.schema.mutation import Mutation
from group_gateway.schema.query import Query


class GatewaySchema(strawberry.federation.Schema):
    """Strawberry's federated schema, with an entity resolver whose items fail one by one."""

    def entities_resolver(self, info: Info, representations: list[FederationAny]) -> Any:
        """See `entities`."""
        return resolve_entities(info, representations)


def build_schema() -> GatewaySchema:
    """Build the schema. Opens nothing."""
    return GatewaySchema(
        query=Query,
        mutation=Mutation,
        types=[Patient, Practitioner, PractitionerRole, Device, Medication, Substance],
        config=StrawberryConfig(default_resolver=default_resolver),
    )


def print_sdl() -> str:
    """Give the schema as SDL, ending with a new line."""
    return build_schema().as_str() + "\n"
