"""Documents of the HL7 interface: parsed, limited, rewritten and validated once."""

import re

from graphql import DocumentNode, GraphQLError, GraphQLInterfaceType, GraphQLSchema

from group_gateway.errors import RequestCode
from group_gateway.execution.document_limits import DocumentLimits, FragmentCycle, excess
from group_gateway.execution.documents import Document, Documents
from group_gateway.fhir.group_elements import RESOURCE_ELEMENTS
from group_gateway.fhir_graphql.dense_form import TooManyFields
from group_gateway.fhir_graphql.unquoted_values import prepared

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCES = frozenset({"entity", "managingEntity", "valueReference"})
_MOST_BYTES = 16 * 1024 * 1024


class FhirDocuments(Documents):
    """Documents of one schema, with HL7's own notation translated to GraphQL's."""

    def __init__(
        self, schema: GraphQLSchema, limits: DocumentLimits, interface: GraphQLInterfaceType
    ) -> None:
        super().__init__(schema, limits, max_bytes=_MOST_BYTES)
        self._interface = interface

    def _read(self, text: str) -> Document:
        document = self._parsed(text)
        if document.node is None:
            return document
        try:
            error = excess(document.node, self._limits)
            if error is None:
                node = self._rewritten(document.node)
                return self._checked(node)
        except FragmentCycle:
            return self._checked(document.node)
        except (TooManyFields, RecursionError):
            message = "The document selects too many fields below references."
            error = GraphQLError(message, extensions={"code": RequestCode.TOO_MANY_FIELDS})
        return Document(None, (error,), RequestCode.GRAPHQL_VALIDATION_FAILED)

    def _elements(self, node: DocumentNode) -> frozenset[str]:
        """Return the elements of groups that a document may select, by the words in it."""
        if node.loc is None:
            return RESOURCE_ELEMENTS
        found = {name.removeprefix("_") for name in _NAME.findall(node.loc.source.body)}
        own = RESOURCE_ELEMENTS & found
        follows = "resource" in found and not _REFERENCES.isdisjoint(found)
        return own | {"contained"} if follows else own

    def _rewritten(self, node: DocumentNode) -> DocumentNode:
        return prepared(node, self._schema, self._interface)
