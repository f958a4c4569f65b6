"""The GraphQL schemas of the HL7 interface: one for the whole server, one for each instance."""

from functools import cache, partial

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
)

from group_gateway.fhir_graphql.element_types import ElementTypes, ExtraFields
from group_gateway.fhir_graphql.group_fields import (
    connection_type,
    query_fields,
    reverse_fields,
)
from group_gateway.fhir_graphql.model import RESOURCES, load_model
from group_gateway.fhir_graphql.reference_target import referenced_resource
from group_gateway.fhir_graphql.scalars import scalar_for

RESOURCE_FIELD = "resource"
REFERENCE_TYPE = "Reference"


class FhirSchemas:
    """The schemas, which share their types; built when first asked for."""

    def __init__(self) -> None:
        extra: ExtraFields = {
            REFERENCE_TYPE: self._reference_fields,
            **{name: partial(self._reverse_fields, name) for name in RESOURCES},
        }
        self._types = ElementTypes(load_model(), extra)
        self._connection = connection_type(self._types)
        self.resource = self._types.resource

    @cache  # noqa: B019 - as many as there are types, for as long as the process lives
    def of_instance(self, type: str) -> GraphQLSchema:
        """Return the schema whose query is a resource of this type."""
        return GraphQLSchema(query=self._types[type], types=self._types.all())

    @cache  # noqa: B019 - one
    def of_server(self) -> GraphQLSchema:
        """Return the schema of the whole server."""
        query = GraphQLObjectType("Query", lambda: query_fields(self._types, self._connection))
        return GraphQLSchema(query=query, types=self._types.all())

    def _reference_fields(self) -> dict[str, GraphQLField]:
        field = GraphQLField(
            self._types.resource,
            args={
                "optional": GraphQLArgument(
                    GraphQLBoolean,
                    default_value=False,
                    description="Return null for what can't be resolved.",
                ),
                "type": GraphQLArgument(
                    GraphQLList(scalar_for("code")), description="Return only these types."
                ),
            },
            resolve=referenced_resource,
            description="The resource that the reference leads to.",
        )
        return {RESOURCE_FIELD: field}

    def _reverse_fields(self, name: str) -> dict[str, GraphQLField]:
        return reverse_fields(name, self._types, self._connection)
