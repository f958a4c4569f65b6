"""A GraphQL request, whatever transport and media type it arrived by."""

from collections.abc import Mapping
from typing import Any

import msgspec


class GraphQLRequest(msgspec.Struct, frozen=True):
    """A GraphQL request with parts of the right types (GraphQL over HTTP, section 5.1).

    `query` is empty while the document is only named, by `document_id`. `wants_cost`: the response
    must state its cost, in `extensions.cost`.
    """

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] | None = None
    wants_cost: bool = False
    document_id: str | None = None
