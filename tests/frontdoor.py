"""How tests ask a gateway: GraphQL over HTTP, as any client does.

With `TEST_COMPILED=0` in the environment no query is run from a compiled plan, whatever a test
sets: the same tests then show what graphql-core alone answers.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.applications import Starlette

COMPILED = os.environ.get("TEST_COMPILED") != "0"
MODE = {} if COMPILED else {"GROUP_GATEWAY_COMPILED": "false"}
"""What to add to the environment of a gateway that runs as a process."""


@dataclass
class Gateway:
    """A running gateway, and how to ask it."""

    http: httpx.AsyncClient

    async def __call__(self, query: str, *, token: str = "sandbox", **variables: Any) -> Any:
        """Send a GraphQL request and give the decoded answer."""
        response = await self.http.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {token}"},
        )
        assert response.status_code == 200, response.text
        return response.json()

    async def data(self, query: str, *, token: str = "sandbox", **variables: Any) -> Any:
        """Send a GraphQL request that must succeed, and give its data."""
        answer = await self(query, token=token, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]


@asynccontextmanager
async def opened(app: Starlette) -> AsyncIterator[Gateway]:
    """Run a gateway in process within the block."""
    if not COMPILED:
        app.state.engine.compiled = False
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http,
    ):
        yield Gateway(http)
