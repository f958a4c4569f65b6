"""`GET /Patient/{id}` and `GET /Patient?_id=…`, also for the directory's other types."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from group_gateway.sandbox import codec
from group_gateway.sandbox.api.access import reader
from group_gateway.sandbox.api.group_search import parse_search
from group_gateway.sandbox.api.reads import asked_id
from group_gateway.sandbox.api.searchset import bundle
from group_gateway.sandbox.data.directory import find
from group_gateway.sandbox.outcome import FHIR_JSON, refuse
from group_gateway.sandbox.state import sandbox_of


async def read_person(request: Request) -> Response:
    """Answer one resource."""
    sandbox = sandbox_of(request)
    caller = reader(request, sandbox.tokens)
    kind, identity = _kind(request), asked_id(request)
    hidden = not caller.sees(identity)
    found = find(kind, identity)
    if found is None or (hidden and sandbox.quirks.hidden_as_missing):
        raise refuse(404, f"Unknown {kind} resource '{identity}'")
    if hidden:
        raise refuse(403, "Authorization failed")
    return Response(codec.encode(found), media_type=FHIR_JSON)


async def find_people(request: Request) -> Response:
    """Return the resources of a list of ids, which is the only supported search."""
    sandbox = sandbox_of(request)
    caller = reader(request, sandbox.tokens)
    kind = _kind(request)
    asked = parse_search(request.url.query, sandbox.quirks, caller.sees)
    ids = [identity for identity in dict.fromkeys(asked.ids or ()) if caller.sees(identity)]
    found = [codec.encode(person) for identity in ids if (person := find(kind, identity))]
    page = found[asked.offset : asked.offset + asked.count]
    links = [] if sandbox.quirks.no_links or not found else [_link(kind, "self", request.url.query)]
    if links and asked.offset + asked.count < len(found):
        following = {**dict(parse_qsl(request.url.query)), "_count": asked.count}
        following["_offset"] = asked.offset + asked.count
        links.append(_link(kind, "next", urlencode(following, safe=",")))
    total = None if sandbox.quirks.no_total else len(found)
    return Response(bundle(total, links, page), media_type=FHIR_JSON)


def _kind(request: Request) -> str:
    return request.url.path.split("/")[1]


def _link(kind: str, relation: str, query: str) -> Mapping[str, str]:
    return {"relation": relation, "url": f"/{kind}?{query}"}
