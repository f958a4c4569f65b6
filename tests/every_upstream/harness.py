"""What the core tests need besides a gateway: the upstream past it, and a look at its calls."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx

from group_gateway.upstream.transport.httpx_transport import UpstreamTransport


@dataclass
class Fhir:
    """Plain FHIR over HTTP to an upstream, as anybody else uses it.

    Numbers with a fraction are read as text, so that a lost digit shows.
    """

    http: httpx.AsyncClient

    async def create(self, resource: dict[str, Any] | str) -> str:
        """Create a group, given as elements or as JSON text, and return its id."""
        content = resource if isinstance(resource, str) else json.dumps(resource)
        headers = {"content-type": "application/fhir+json"}
        answer = await self.http.post("/Group", content=content, headers=headers)
        answer.raise_for_status()
        return answer.headers["location"].rpartition("Group/")[2].partition("/")[0]

    async def read(self, id: str) -> dict[str, Any]:
        """Read a group's elements."""
        answer = (await self.http.get(f"/Group/{id}")).raise_for_status()
        elements: dict[str, Any] = json.loads(answer.text, parse_float=str)
        return elements

    async def change(self, id: str, **elements: Any) -> None:
        """Change elements of a group, with no word to the gateway; None takes one away."""
        merged = (await self.http.get(f"/Group/{id}")).raise_for_status().json() | elements
        kept = {name: value for name, value in merged.items() if value is not None}
        (await self.http.put(f"/Group/{id}", json=kept)).raise_for_status()


@dataclass
class Recorder(httpx.AsyncBaseTransport):
    """The gateway's own transport, with a note of what it carried: `GET /Group/1?a=b`.

    `hides_metadata` keeps the CapabilityStatement back, as a proxy does that lets only data by.
    """

    hides_metadata: bool = False
    network: UpstreamTransport = field(default_factory=UpstreamTransport)
    calls: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request."""
        path = request.url.raw_path.decode().removeprefix("/fhir").removeprefix("/R4")
        if path == "/metadata" and self.hides_metadata:
            return httpx.Response(403, text="Forbidden")
        if path != "/metadata":
            self.calls.append(f"{request.method} {path}")
        return await self.network.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.network.aclose()


def members_of(group: dict[str, Any]) -> list[str]:
    """Return the references of a group's members, in FHIR's JSON or in GraphQL's."""
    return [member["entity"]["reference"] for member in group.get("member", ())]
