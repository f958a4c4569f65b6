"""Build the schema: always federated (Federation 2), printed to `schema.graphql`."""

from decimal import Decimal
from functools import cache
from typing import Any, Final

import strawberry.federation
from graphql import GraphQLSchema
from strawberry.federation.schema import FederationAny
from strawberry.federation.schema_directives import Link
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition
from strawberry.types.field import StrawberryField

from group_gateway.schema import people
from group_gateway.schema.context import Info
from group_gateway.schema.elements import default_resolver
from group_gateway.schema.federation_entities import resolve_entities
from group_gateway.schema.graphql_names import RememberedNames
from group_gateway.schema.group import STUBS, Patient, Practitioner
from group_gateway.schema.mutation import Mutation
from group_gateway.schema.query import Query
from group_gateway.schema.scalars import DECIMAL, FHIR_VALUE, FhirValue
from group_gateway.schema.subscription import Subscription

# Not the newest version, which composers and routers learn late, but the first that has all of
# these. What the schema does not use itself is for a platform to add to its types.
_FEDERATION_VERSION: Final = "2.5"
_IMPORTS: Any = ["@authenticated", "@inaccessible", "@key", "@requiresScopes", "@shareable", "@tag"]
_LINK: Final = Link(
    url=f"https://specs.apollo.dev/federation/v{_FEDERATION_VERSION}", import_=_IMPORTS
)


class GatewaySchema(strawberry.federation.Schema):
    """Strawberry's federated schema, with an entity resolver whose items fail one by one."""

    @property
    def graphql_schema(self) -> GraphQLSchema:
        """The schema as graphql-core executes it, which Strawberry built."""
        return self._schema

    def as_str(self) -> str:
        """Return the SDL of the subgraph, without `@defer` and `@stream`.

        A router executes these itself.
        """
        incremental = self.config.enable_experimental_incremental_execution
        return self._without_incremental().as_str() if incremental else super().as_str()

    def _without_incremental(self) -> "GatewaySchema":
        return build_schema()

    def entities_resolver(self, info: Info, representations: list[FederationAny]) -> Any:
        """See `entities`."""
        return resolve_entities(info, representations)


class PeopleSchema(GatewaySchema):
    """The schema whose references lead to resources that are read, not to stubs."""

    def get_fields(self, type_definition: StrawberryObjectDefinition) -> list[StrawberryField]:
        """Return the fields of a type, with those that are read."""
        origin = people.FIELDS_OF.get(type_definition.origin)
        if origin is not None:
            type_definition = get_object_definition(origin, strict=True)
        return super().get_fields(type_definition)

    def entities_resolver(self, info: Info, representations: list[FederationAny]) -> Any:
        """See `entities`."""
        return resolve_entities(info, representations, people.READ_TYPES)

    def _without_incremental(self) -> GatewaySchema:
        return build_schema(with_people=True)


@cache
def build_schema(*, incremental: bool = False, with_people: bool = False) -> GatewaySchema:
    """Return the schema, with `@defer` and `@stream` if it is `incremental`.

    `with_people`: the targets of references are read from the upstream. A schema is built once in a
    process and never changes. Opens nothing.
    """
    kind = PeopleSchema if with_people else GatewaySchema
    schema = kind(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=people.PEOPLE if with_people else [Patient, Practitioner, *STUBS],
        config=StrawberryConfig(
            default_resolver=default_resolver,
            enable_experimental_incremental_execution=incremental,
            name_converter=RememberedNames(),
            scalar_map={Decimal: DECIMAL, FhirValue: FHIR_VALUE},
        ),
        federation_version=_FEDERATION_VERSION,
    )
    schema.schema_directives = [_LINK]
    return schema


def print_sdl(*, with_people: bool = False) -> str:
    """Return the schema as SDL, ending with a new line."""
    return build_schema(with_people=with_people).as_str() + "\n"
