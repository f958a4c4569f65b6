"""The GraphQL schemas of the HL7 interface: one for the whole server, one for each instance."""

from functools import cache, partial

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    specified_directives,
)

from group_gateway.fhir.group_rules import RELATED_TYPES
from group_gateway.fhir_graphql.element_types import ElementTypes, ExtraFields
from group_gateway.fhir_graphql.fhir_scalars import SCALARS, scalar_for
from group_gateway.fhir_graphql.group_fields import (
    connection_type,
    query_fields,
    reverse_fields,
)
from group_gateway.fhir_graphql.group_mutations import mutation_type
from group_gateway.fhir_graphql.model import load_model
from group_gateway.fhir_graphql.reference_target import referenced_resource
from group_gateway.fhir_graphql.resource_inputs import InputTypes
from group_gateway.fhir_graphql.result_directives import DIRECTIVES

RESOURCE_FIELD = "resource"
REFERENCE_TYPE = "Reference"


class FhirSchemas:
    """The schemas, which share their types; built when first needed.

    With `directives` they have those that HL7 defines beside GraphQL's own.
    """

    def __init__(self, *, directives: bool = False) -> None:
        self._directives = [*specified_directives, *(DIRECTIVES if directives else ())]
        extra: ExtraFields = {
            REFERENCE_TYPE: self._reference_fields,
            **{name: partial(self._reverse_fields, name) for name in RELATED_TYPES},
        }
        self._types = ElementTypes(load_model(), extra)
        self._connection = connection_type(self._types)
        self.resource = self._types.resource

    @cache  # noqa: B019 - as many as there are types, for as long as the process lives
    def of_instance(self, type: str) -> GraphQLSchema:
        """Return the schema whose query is a resource of this type."""
        return self._built(self._types[type])

    @cache  # noqa: B019 - one
    def of_server(self) -> GraphQLSchema:
        """Return the schema of the whole server."""
        query = GraphQLObjectType("Query", lambda: query_fields(self._types, self._connection))
        mutation = mutation_type(self._types, InputTypes(load_model()))
        return self._built(query, mutation)

    def _built(
        self, query: GraphQLObjectType, mutation: GraphQLObjectType | None = None
    ) -> GraphQLSchema:
        return GraphQLSchema(
            query=query,
            mutation=mutation,
            types=[*self._types.all(), *SCALARS],
            directives=self._directives,
        )

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


@cache
def fhir_schemas(*, directives: bool) -> FhirSchemas:
    """Return the schemas, built once for a process."""
    return FhirSchemas(directives=directives)
