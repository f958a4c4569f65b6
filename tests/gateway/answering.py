"""An upstream that answers searches by a function of the test's, and reads from its groups."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from frontdoor import Gateway, opened
from group_gateway.app import create_app
from group_gateway.config import Settings

Answer = dict[str, Any] | bytes | httpx.Response


def make_group(id: str, **elements: Any) -> dict[str, Any]:
    """Make a group with one member."""
    member = [{"entity": {"reference": f"Patient/of-{id}"}}]
    group = {"resourceType": "Group", "id": id, "type": "person", "actual": True, "name": id}
    return {**group, "quantity": 1, "member": member, **elements}


def page(*entries: Any, onward: str | None = None, **elements: Any) -> dict[str, Any]:
    """Make a page of groups; entries that are no text are taken as they are."""
    entry = [{"resource": make_group(e)} if isinstance(e, str) else e for e in entries]
    link = [{"relation": "next", "url": onward}] if onward is not None else []
    return {"resourceType": "Bundle", "type": "searchset", "entry": entry, "link": link, **elements}


def refusal(text: str, status: int = 400) -> httpx.Response:
    """Make the answer to a search that is turned down."""
    issue = {"severity": "error", "code": "invalid", "diagnostics": text}
    return httpx.Response(status, json={"resourceType": "OperationOutcome", "issue": [issue]})


@dataclass
class Answering(httpx.AsyncBaseTransport):
    """Answers each search with what `search` makes of its target, and reads from `groups`."""

    search: Callable[[str], Answer]
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    base: str = ""
    calls: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        assert request.url.host == "upstream.test", "a link led to another host"
        target = request.url.raw_path.decode()
        assert target.startswith(self.base), "a link led out of the base URL"
        target = target.removeprefix(self.base)
        if target == "/metadata":
            return httpx.Response(404, json={})
        self.calls.append(f"{request.method} {target}")
        id = target.removeprefix("/Group/")
        if request.method == "GET" and id in self.groups:
            return httpx.Response(200, json=self.groups[id])
        if request.method == "PUT" and id in self.groups:
            self.groups[id] = json.loads(await request.aread())
            return httpx.Response(200, json=self.groups[id])
        answer = self.search(target)
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(
            200, content=answer if isinstance(answer, bytes) else json.dumps(answer)
        )


@asynccontextmanager
async def answering(upstream: Answering, **settings: Any) -> AsyncIterator[Gateway]:
    """Run a gateway on such an upstream within the block."""
    url = f"http://upstream.test{upstream.base}"
    known = {"upstream_url": url, "deadline": 5.0, **settings}
    async with opened(create_app(Settings(**known), transport=upstream)) as gateway:
        yield gateway


def codes(answer: Any) -> set[str]:
    """Return the codes of an answer's errors."""
    return {error["extensions"]["code"] for error in answer.get("errors", ())}


def ids(answer: Any) -> list[str]:
    """Return the ids of the groups in an answer."""
    return [node["id"] for node in answer["data"]["groups"]["nodes"]]
