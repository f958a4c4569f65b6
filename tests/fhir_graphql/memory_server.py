"""A FHIR server in memory: reads, old versions, searches that echo what they apply, writes."""

import copy
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Resource = dict[str, Any]
BASE = "http://upstream.test"
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass
class MemoryServer:
    """The resources by `<type>/<id>`, each with all of its versions."""

    applies: frozenset[str] = frozenset({"_id", "type", "member", "_count", "_offset"})
    """Search parameters that have an effect; others are ignored and not echoed."""
    echoes: bool = False
    """Whether the `self` link repeats all parameters, those without an effect too."""
    refuses: frozenset[str] = frozenset()
    """Search parameters that are answered with 400."""
    declares: bool = True
    """Whether it has a CapabilityStatement."""
    most: int = 1_000
    """Entries on a page at most."""
    links_on: bool = True
    """Whether a page links the next one."""
    deletes: bool = True
    ignores: frozenset[str] = frozenset()
    """Elements that writes don't store."""
    tokens: dict[str, frozenset[str]] = field(default_factory=dict)
    """What a bearer token may see, by `<type>/<id>`; one that is not named sees everything."""
    failures: dict[str, int] = field(default_factory=dict)
    """Statuses to answer with, by `<path>` or `<method> <path>`."""
    issues: list[dict[str, Any]] = field(default_factory=list)
    """What such an answer says, where it is more than one plain issue."""
    retry_after: str | None = None
    """The header of such answers."""
    calls: list[str] = field(default_factory=list)
    versions: dict[str, list[Resource | None]] = field(default_factory=dict)
    _last_id: int = 0

    def put(self, *resources: Resource) -> None:
        """Store resources, each as a new version."""
        for resource in resources:
            stored = {k: copy.deepcopy(v) for k, v in resource.items() if k not in self.ignores}
            history = self.versions.setdefault(f"{stored['resourceType']}/{stored['id']}", [])
            stored["meta"] = {**stored.get("meta", {}), "versionId": str(len(history) + 1)}
            history.append(stored)

    def load(self, text: str) -> None:
        """Store the resources of a JSON array."""
        self.put(*json.loads(text, parse_float=Decimal))

    def now(self, name: str) -> Resource | None:
        """Return the current state of a resource."""
        history = self.versions.get(name)
        return history[-1] if history else None

    def app(self) -> Starlette:
        """Return the server as an ASGI application."""
        return Starlette(
            routes=[
                Route("/metadata", self._metadata),
                Route("/{type}", self._search, methods=["GET"]),
                Route("/{type}", self._create, methods=["POST"]),
                Route("/{type}/{id}", self._read, methods=["GET"]),
                Route("/{type}/{id}", self._update, methods=["PUT"]),
                Route("/{type}/{id}", self._delete, methods=["DELETE"]),
                Route("/{type}/{id}/_history/{version}", self._version, methods=["GET"]),
            ]
        )

    async def _metadata(self, _: Request) -> Response:
        if not self.declares:
            return _outcome(404, "not-found", "No statement")
        names = sorted(self.applies - {"_count", "_offset", "_sort"})
        group = {"type": "Group", "searchParam": [{"name": n, "type": "token"} for n in names]}
        statement = {
            "resourceType": "CapabilityStatement",
            "rest": [{"mode": "server", "resource": [group]}],
        }
        return _json(statement)

    def _arrived(self, request: Request) -> Response | None:
        query = f"?{request.url.query}" if request.url.query else ""
        self.calls.append(f"{request.method} {request.url.path}{query}")
        path = request.url.path
        status = self.failures.get(path, self.failures.get(f"{request.method} {path}"))
        if status is None:
            return None
        answer = _outcome(status, "exception", f"Failure {status}", *self.issues)
        if self.retry_after is not None:
            answer.headers["retry-after"] = self.retry_after
        return answer

    def _sees(self, request: Request, name: str) -> bool:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return token not in self.tokens or name in self.tokens[token]

    async def _read(self, request: Request) -> Response:
        if failure := self._arrived(request):
            return failure
        name = f"{request.path_params['type']}/{request.path_params['id']}"
        if name not in self.versions or not self._sees(request, name):
            return _outcome(404, "not-found", f"Unknown resource {name}")
        found = self.now(name)
        if found is None:
            return _outcome(410, "deleted", f"Deleted resource {name}")
        return _json(found, etag=found["meta"]["versionId"])

    async def _version(self, request: Request) -> Response:
        if failure := self._arrived(request):
            return failure
        name = f"{request.path_params['type']}/{request.path_params['id']}"
        index = int(request.path_params["version"]) - 1
        history = self.versions.get(name, [])
        if index >= len(history) or history[index] is None:
            return _outcome(404, "not-found", "Unknown version")
        return _json(history[index])

    async def _search(self, request: Request) -> Response:
        if failure := self._arrived(request):
            return failure
        given = dict(request.query_params)
        for name in given:
            if name in self.refuses:
                return _outcome(400, "not-supported", f"Unknown search parameter {name}")
        asked = {name: value for name, value in given.items() if name in self.applies}
        type = request.path_params["type"]
        found = [
            resource
            for name in self.versions
            if name.startswith(f"{type}/") and self._sees(request, name)
            if (resource := self.now(name)) is not None and _fits(resource, asked)
        ]
        if asked.get("_sort"):
            found.sort(key=lambda r: str(r.get(asked["_sort"].lstrip("-"))))
            if asked["_sort"].startswith("-"):
                found.reverse()
        count = min(int(asked.get("_count", 10)), self.most)
        offset = int(asked.get("_offset", 0))
        page = found[offset : offset + count]
        own = {**(given if self.echoes else asked), "_count": str(count), "_offset": str(offset)}
        links = [{"relation": "self", "url": f"{BASE}/{type}?{urlencode(own)}"}]
        if self.links_on and count and offset + count < len(found):
            following = {**own, "_offset": str(offset + count)}
            links.append({"relation": "next", "url": f"{BASE}/{type}?{urlencode(following)}"})
        bundle = {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(found),
            "link": links,
            "entry": [{"resource": r, "search": {"mode": "match"}} for r in page],
        }
        return _json(bundle)

    async def _create(self, request: Request) -> Response:
        if failure := self._arrived(request):
            return failure
        self._last_id += 1
        id = f"new-{self._last_id}"
        body = json.loads(await request.body(), parse_float=Decimal)
        type = request.path_params["type"]
        self.put({**body, "id": id})
        return Response(status_code=201, headers={"location": f"{BASE}/{type}/{id}"})

    async def _update(self, request: Request) -> Response:
        if failure := self._arrived(request):
            return failure
        name = f"{request.path_params['type']}/{request.path_params['id']}"
        found = self.now(name)
        expected = request.headers.get("if-match")
        if expected and found and expected != f'W/"{found["meta"]["versionId"]}"':
            return _outcome(412, "conflict", "Another version is current")
        body = json.loads(await request.body(), parse_float=Decimal)
        if body.get("name") == "forbidden":
            return _outcome(422, "business-rule", "This name is not allowed")
        self.put(body)
        return Response(status_code=200)

    async def _delete(self, request: Request) -> Response:
        if failure := self._arrived(request):
            return failure
        if not self.deletes:
            return _outcome(405, "not-supported", "Groups can't be deleted")
        name = f"{request.path_params['type']}/{request.path_params['id']}"
        found = self.now(name)
        if found is None:
            return _outcome(404, "not-found", f"Unknown resource {name}")
        expected = request.headers.get("if-match")
        if expected and expected != f'W/"{found["meta"]["versionId"]}"':
            return _outcome(412, "conflict", "Another version is current")
        self.versions[name].append(None)
        return Response(status_code=204)


def _fits(resource: Resource, asked: dict[str, str]) -> bool:
    if "_id" in asked and resource["id"] not in asked["_id"].split(","):
        return False
    if "type" in asked and resource.get("type") not in asked["type"].split(","):
        return False
    if "member" not in asked:
        return True
    members = {m["entity"].get("reference") for m in resource.get("member", ())}
    return bool(members & set(asked["member"].split(",")))


def _json(value: Any, *, etag: str | None = None) -> Response:
    headers = {"etag": f'W/"{etag}"'} if etag else {}
    return Response(_encode(value), media_type="application/fhir+json", headers=headers)


def _outcome(status: int, code: str, text: str, *issues: Any) -> Response:
    issue = {"severity": "error", "code": code, "details": {"text": text}}
    body = _encode({"resourceType": "OperationOutcome", "issue": [*issues] or [issue]})
    return Response(body, status, media_type="application/fhir+json")
