"""FHIR servers of other makes: each links its pages in a way of its own, rightly or wrongly."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

EXPIRED = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "not-found", "details": {"text": "Expired"}}],
}


def make_ids(count: int) -> list[str]:
    """Make the ids of `count` groups."""
    return [f"group-{number:03}" for number in range(count)]


def make_group(id: str) -> dict[str, Any]:
    """Make a group."""
    return {"resourceType": "Group", "id": id, "type": "person", "actual": True, "name": id}


def make_bundle(ids: Collection[str], **elements: Any) -> dict[str, Any]:
    """Make a Bundle of groups."""
    entry = [{"resource": make_group(id)} for id in ids]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entry, **elements}


@dataclass
class Foreign:
    """A server with `count` groups that gives the link `relations` named, where they apply.

    `tokens`: links hold a page token in place of `_offset`, which then means nothing. `echoes`:
    the `self` link repeats the request's query as it came. `hidden` groups count, but are left
    out of the pages. `eager`: a full page has a `next` even when nothing follows. `rounds`:
    offsets are rounded down to whole pages. `gone`: it has forgotten its page tokens. A page has at
    most so many groups, or a `fixed` number. Numbers in links begin with `first_number`.
    `change` may spoil a Bundle on its way out.
    """

    count: int
    relations: Collection[str] = ("self", "next")
    tokens: bool = False
    echoes: bool = False
    total: bool = False
    hidden: Collection[str] = ()
    eager: bool = False
    rounds: bool = False
    base: str = "/Group"
    gone: bool = False
    most: int = 10_000
    fixed: int | None = None
    first_number: int = 0
    change: Callable[[dict[str, Any]], object] = lambda bundle: bundle
    calls: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        request = Request(scope)
        self.calls.append(f"{request.url.path}?{request.url.query}")
        gone = self.gone and "token" in request.query_params
        body = EXPIRED if gone else self.change(self._page(request))
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        status = 410 if gone else 200
        await Response(text, status, media_type="application/fhir+json")(scope, receive, send)

    def _page(self, request: Request) -> dict[str, Any]:
        query = request.query_params
        size = self.fixed or min(int(query.get("_count", 10)), self.most)
        start = int(query.get("token" if self.tokens else "_offset", 0))
        start = max(start - self.first_number, 0)
        start = start // size * size if self.rounds else start
        links = self._links(start, size)
        if self.echoes:
            links["self"] = f"{self.base}?{request.url.query}"
        ids = [id for id in make_ids(self.count)[start : start + size] if id not in self.hidden]
        elements = {"total": self.count} if self.total else {}
        given = [
            {"relation": name, "url": url} for name, url in links.items() if name in self.relations
        ]
        return make_bundle(ids, link=given, **elements)

    def _links(self, start: int, size: int) -> dict[str, str]:
        links = {"self": self._url(start, size), "first": self._url(0, size)}
        if start + size < self.count or (self.eager and start + size == self.count):
            links["next"] = self._url(start + size, size)
        if start > 0:
            links["previous"] = self._url(max(0, start - size), size)
        links["last"] = self._url((self.count - 1) // size * size, size)
        return links

    def _url(self, start: int, size: int) -> str:
        number = start + self.first_number
        return f"{self.base}?_count={size}&{'token' if self.tokens else '_offset'}={number}"
