"""`GET /Group/{id}` and `GET /Group`: read and search-type."""

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from group_gateway.sandbox.api.access import reader
from group_gateway.sandbox.api.group_search import parse_search
from group_gateway.sandbox.api.rendering import text_of, version_headers
from group_gateway.sandbox.api.searchset import Linker, bundle, followed
from group_gateway.sandbox.data.records import Row
from group_gateway.sandbox.outcome import FHIR_JSON, refuse
from group_gateway.sandbox.state import Sandbox, sandbox_of
from group_gateway.sandbox.tokens import Caller

_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")


async def read(request: Request) -> Response:
    """Answer one group."""
    sandbox = sandbox_of(request)
    caller = reader(request, sandbox.tokens)
    row = existing(sandbox, asked_id(request), caller)
    return Response(
        text_of(row, sandbox.quirks),
        headers=version_headers(row, sandbox.quirks),
        media_type=FHIR_JSON,
    )


async def search(request: Request) -> Response:
    """Answer one page of the groups that match."""
    sandbox = sandbox_of(request)
    quirks = sandbox.quirks
    caller = reader(request, sandbox.tokens)
    query = request.url.query
    token = request.query_params.get("_getpages") if quirks.opaque_links else None
    if token is not None:
        query = followed(token, request.query_params.get("_getpagesoffset", "0"))
    asked = parse_search(query, quirks, caller.sees)
    total, rows = sandbox.store.search(asked)
    base = str(request.base_url).rstrip("/")
    links = Linker(asked, quirks, base, paged=token is not None).links(total)
    text = bundle(None if quirks.no_total else total, links, (text_of(row, quirks) for row in rows))
    return Response(text, media_type=FHIR_JSON)


def asked_id(request: Request) -> str:
    """Return the id in the URL; raise `Refusal` 400 for an invalid one."""
    identity: str = request.path_params["id"]
    if not _ID.fullmatch(identity):
        text = f"path -> id — String should match pattern '{_ID.pattern}'"
        raise refuse(400, text, "value")
    return identity


def existing(sandbox: Sandbox, identity: str, caller: Caller) -> Row:
    """Return a group that the caller may see; raise `Refusal` 404 or 403."""
    row = sandbox.store.read(identity)
    hidden = not caller.sees(identity)
    if row is None or (hidden and sandbox.quirks.hidden_as_missing):
        raise refuse(404, f"Unknown Group resource '{identity}'")
    if hidden:
        raise refuse(403, "Authorization failed")
    return row
