"""An upstream that sends whatever a test puts into it."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "not-found", "details": {"text": "No such group"}}],
}

_BUNDLE = (
    b'{"resourceType":"Bundle","type":"searchset",'
    b'"link":[{"relation":"self","url":"/Group"}],"entry":[%s]}'
)


@dataclass
class Shelf:
    """Groups as bytes by id: read singly, or searched for as one page with all of them."""

    groups: dict[str, bytes] = field(default_factory=dict)

    def put(self, group: Any) -> str:
        """Replace all groups by this one, given as JSON values; return its id."""
        self.groups = {group["id"]: msgspec.json.encode(group)}
        return str(group["id"])

    def app(self) -> Starlette:
        """Return the server."""
        return Starlette(
            routes=[Route("/Group/{id}", self._read), Route("/Group", self._search)],
        )

    async def _read(self, request: Request) -> Response:
        body = self.groups.get(request.path_params["id"])
        if body is None:
            return _json(msgspec.json.encode(OUTCOME), 404)
        return _json(body)

    async def _search(self, _: Request) -> Response:
        entries = b",".join(b'{"resource":%s}' % group for group in self.groups.values())
        return _json(_BUNDLE % entries)


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/fhir+json")
