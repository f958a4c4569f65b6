"""A FHIR server of another make: it keeps what it is sent, and has habits of its own."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

import httpx

from frontdoor import opened
from gateway.canned import outcome
from group_gateway.app import create_app
from group_gateway.config import Settings

BASE = "http://upstream.test/fhir"
_NOW = 1_800_000_000


@dataclass
class Keeper(httpx.AsyncBaseTransport):
    """A server with one group, `1`.

    `etag` and `version_id`: how it shows versions, which are numbers unless `names` gives others;
    `tag` is how it writes entity tags. `history`: it keeps what was. `upserts`: a PUT makes one.
    `clock`: it sends a `Date`. `guards`: it honours preconditions. `deletes`: it has DELETE.
    `echo`: what a write answers; `computes`: what it makes of a body. `before_put` runs between the
    gateway's read and its write, as another writer would.
    """

    group: dict[str, Any] | None
    etag: bool = False
    version_id: bool = False
    names: Callable[[int], str] = str
    tag: str = 'W/"{}"'
    clock: bool = False
    guards: bool = True
    deletes: bool = False
    history: bool = False
    upserts: bool = False
    canvas: bool = False
    echo: Any = None
    computes: Callable[[dict[str, Any]], dict[str, Any]] = lambda group: group
    before_put: Callable[["Keeper"], object] | None = None
    replies: dict[str, httpx.Response] = field(default_factory=dict)
    version: int = 1
    sent: list[httpx.Request] = field(default_factory=list)
    versions: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.text = json.dumps(self.group)
        self.versions[self.version] = self.text

    def stored(self) -> Any:
        """Return the group that it keeps; numbers with a fraction as text."""
        return json.loads(self.text, parse_float=str)

    def write(self, **elements: Any) -> None:
        """Change elements, as another writer does."""
        self.keep(json.dumps(json.loads(self.text) | elements))

    def keep(self, text: str) -> None:
        """Keep a text as the next version."""
        self.version += 1
        self.text = self.versions[self.version] = text

    def calls(self) -> list[str]:
        """Return the methods of the calls that it got."""
        return [request.method for request in self.sent]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        path = request.url.path.removeprefix("/fhir")
        if path == "/metadata":
            return httpx.Response(404)
        self.sent.append(request)
        if request.method in self.replies:
            return self.replies[request.method]
        if request.method == "PUT" and self.before_put is not None:
            self.before_put(self)
            self.before_put = None
        response = self._answer(request, path)
        if self.clock:
            response.headers["date"] = formatdate(_NOW + len(self.sent) * 5, usegmt=True)
        if self.canvas:
            response.headers["fumage-correlation-id"] = "c"
        return response

    def _answer(  # noqa: PLR0911 - one for each kind of answer
        self, request: httpx.Request, path: str
    ) -> httpx.Response:
        if request.method == "POST":
            self.keep(json.dumps(json.loads(request.content) | {"id": "1"}))
            return self._shown(201, self.echo, location="Group/1")
        if self.text == "null" and request.method == "PUT" and self.upserts:
            self.keep(request.content.decode())
            return self._shown(201, self.echo)
        if self.text == "null" and "_history" not in path:
            return httpx.Response(404, json=outcome("not-found", "No such group"))
        if request.method == "GET":
            return self._read(path)
        if request.method == "DELETE" and not self.deletes:
            return httpx.Response(405, json=outcome("not-supported", "No deletes here"))
        if self.guards and not self._holds(request.headers):
            return httpx.Response(412, json=outcome("conflict", "Somebody was faster"))
        if request.method == "DELETE":
            self.keep("null")
            return httpx.Response(204)
        made = self.computes(json.loads(request.content, parse_float=_Digits))
        self.keep(_json(made))
        return self._shown(200, self.echo)

    def _read(self, path: str) -> httpx.Response:
        if self.history and path.endswith("/_history"):
            entries = [self._entry(version) for version in sorted(self.versions, reverse=True)]
            return httpx.Response(200, json={"resourceType": "Bundle", "entry": entries})
        past = re.search(r"/_history/(\w+)$", path)
        if past is None:
            return self._shown(200, "full")
        if not self.history:
            return httpx.Response(404, json=outcome("not-supported", "No history"))
        text = self.versions.get(int(past[1]))
        if text == "null":
            return httpx.Response(410, json=outcome("deleted", "It was deleted"))
        if text is None:
            return httpx.Response(404, json=outcome("not-found", "No such version"))
        return httpx.Response(200, text=text)

    def _entry(self, version: int) -> dict[str, Any]:
        name, group = self.names(version), json.loads(self.versions[version])
        entry: dict[str, Any] = {"request": {"method": "DELETE" if group is None else "PUT"}}
        if self.etag:
            entry["response"] = {"etag": self.tag.format(name)}
        if group is not None:
            meta = {"meta": {"versionId": name}} if self.version_id else {}
            entry["resource"] = group | meta
        return entry

    def _holds(self, headers: httpx.Headers) -> bool:
        if (tag := headers.get("if-match")) is not None and (self.etag or self.version_id):
            return str(tag).removeprefix("W/") == f'"{self.names(self.version)}"'
        if (date := headers.get("if-unmodified-since")) is not None:
            return bool(parsedate_to_datetime(date).timestamp() >= _NOW - 100)
        return True

    def _shown(self, status: int, body: Any, **headers: str) -> httpx.Response:
        name = self.names(self.version)
        if self.etag:
            headers["etag"] = self.tag.format(name)
        if body is None:
            return httpx.Response(status, headers=headers)
        if body != "full":
            return httpx.Response(status, json=body, headers=headers)
        group = json.loads(self.text, parse_float=_Digits)
        if self.version_id:
            group["meta"] = group.get("meta", {}) | {"versionId": name}
        return httpx.Response(status, text=_json(group), headers=headers)


class _Digits(str):
    """A number as it was written."""

    __slots__ = ()


def _json(value: Any) -> str:
    if isinstance(value, _Digits):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return json.dumps(value)


def group_of(**elements: Any) -> dict[str, Any]:
    """Return a patient group with the id `1`."""
    known = {"resourceType": "Group", "id": "1", "type": "person", "actual": True, "name": "Known"}
    return known | elements


async def tell(keeper: Keeper, document: str, **wanted: Any) -> Any:
    """Send a mutation through a gateway on this server; return the whole answer."""
    settings = Settings(upstream_url=BASE, cache_ttl=0)
    async with opened(create_app(settings, transport=keeper)) as gateway:
        return await gateway(document, input=wanted)


async def payload_of(keeper: Keeper, document: str, **wanted: Any) -> Any:
    """Send a mutation that must not fail; return its payload."""
    answer = await tell(keeper, document, **wanted)
    assert "errors" not in answer, answer["errors"]
    [payload] = answer["data"].values()
    return payload
