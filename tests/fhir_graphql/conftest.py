"""The HL7 interface in process, over a FHIR server in memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhir_graphql.memory_server import MemoryServer
from frontdoor import opened
from group_gateway.app import create_app
from group_gateway.config import Settings

HERE = Path(__file__).parent
GRAPHQL = "/fhir/$graphql"


@dataclass
class FhirGateway:
    """A gateway, the server behind it, and how to ask."""

    http: httpx.AsyncClient
    server: MemoryServer

    async def post(
        self, query: str, *, path: str = GRAPHQL, token: str | None = "t", **variables: Any
    ) -> httpx.Response:
        """POST a request as JSON."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        body = {"query": query, "variables": variables}
        return await self.http.post(path, json=body, headers=headers)

    async def data(self, query: str, **options: Any) -> Any:
        """Return the data of a request that must succeed."""
        response = await self.post(query, **options)
        answer = response.json()
        assert response.status_code == 200, answer
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def failure(self, query: str, **options: Any) -> tuple[int, str, str]:
        """Return the status of an answer with errors, and the first one's code and issue."""
        response = await self.post(query, **options)
        error = response.json()["errors"][0]
        [issue] = error["extensions"]["resource"]["issue"]
        assert issue["diagnostics"] == issue["details"]["text"] == error["message"]
        return response.status_code, error["extensions"]["code"], issue["code"]


@pytest.fixture
def server() -> MemoryServer:
    """Return a server with the resources of the file."""
    server = MemoryServer()
    server.load((HERE / "resources.json").read_text())
    return server


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Any]]:
    """Yield a function that starts a gateway on a server."""
    async with AsyncExitStack() as stack:

        async def start(server: MemoryServer, **settings: Any) -> FhirGateway:
            known = {"upstream_url": "http://upstream.test", "fhir_graphql": True, **settings}
            app = create_app(Settings(**known), transport=httpx.ASGITransport(app=server.app()))
            gateway = await stack.enter_async_context(opened(app))
            return FhirGateway(gateway.http, server)

        yield start


@pytest.fixture
async def fhir(start: Callable[..., Any], server: MemoryServer) -> FhirGateway:
    """Return a gateway with the default settings."""
    made: FhirGateway = await start(server)
    return made
