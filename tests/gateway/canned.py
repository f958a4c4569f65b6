"""An upstream that sends the same response to every request of a method, and records requests."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx

GROUP = {"resourceType": "Group", "id": "1", "type": "person", "actual": True, "name": "Known"}
BUNDLE = {
    "resourceType": "Bundle",
    "type": "searchset",
    "total": 1,
    "link": [{"relation": "self", "url": "/Group?_count=20&_offset=0"}],
    "entry": [{"resource": GROUP}],
}
SECRET = "patient Jane Doe, password hunter2"
"""Stands in bodies that must not come through."""


def outcome(code: str = "invalid", text: str = "Name is too odd") -> dict[str, Any]:
    """Return an OperationOutcome."""
    issue = {"severity": "error", "code": code, "details": {"text": text}}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


@dataclass
class Reply:
    """What to answer: JSON values, or bytes as they are."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> httpx.Response:
        """Return the response."""
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        known = {"fumage-correlation-id": "upstream-7", "content-type": "application/fhir+json"}
        return httpx.Response(self.status, headers=known | self.headers, content=content)


class Canned(httpx.AsyncBaseTransport):
    """The upstream: a response for each method as configured, by default a known group."""

    def __init__(self, **replies: Reply) -> None:
        self.replies = replies
        self.calls: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        path = request.url.raw_path.decode()
        if path == "/metadata":
            return Reply(404, {"detail": "Not Found"}).response()
        self.calls.append(f"{request.method} {path}")
        if request.method in self.replies:
            return self.replies[request.method].response()
        body = BUNDLE if path.startswith("/Group?") else GROUP
        return Reply(200, body, {"etag": 'W/"1"'}).response()
