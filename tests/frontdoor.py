"""How tests ask a gateway: GraphQL over HTTP, as any client does.

With `TEST_COMPILED=0` in the environment no query is run from a compiled plan, whatever a test
sets: the same tests then show what graphql-core alone answers.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Send

COMPILED = os.environ.get("TEST_COMPILED") != "0"
MODE = {} if COMPILED else {"GROUP_GATEWAY_COMPILED": "false"}
"""What to add to the environment of a gateway that runs as a process."""


@dataclass
class Gateway:
    """A running gateway, and how to ask it."""

    http: httpx.AsyncClient

    async def __call__(self, query: str, *, token: str = "sandbox", **variables: Any) -> Any:
        """Send a GraphQL request and return the decoded answer."""
        response = await self.http.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {token}"},
        )
        assert response.status_code == 200, response.text
        return response.json()

    async def data(self, query: str, *, token: str = "sandbox", **variables: Any) -> Any:
        """Send a GraphQL request that must succeed, and return its data."""
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


class Posted(NamedTuple):
    """The answer to a POST."""

    content_type: str
    body: bytes


async def post(app: ASGIApp, body: bytes, token: str | None, **headers: str) -> Posted:
    """POST to the GraphQL endpoint; a client library would cost more than the gateway."""
    answer: list[Message] = []

    async def send(message: Message) -> None:
        answer.append(message)

    await exchange(app, body, token, send, **headers)
    start, *pieces = answer
    content_type = dict(start["headers"])[b"content-type"].decode()
    return Posted(content_type, b"".join(piece["body"] for piece in pieces))


async def exchange(
    app: ASGIApp, body: bytes, token: str | None, send: Send, **headers: str
) -> None:
    """POST to the GraphQL endpoint; `send` takes the response's messages until it ends."""
    sent = {"content-type": "application/json", "host": "gateway.test", **headers}
    if token is not None:
        sent["authorization"] = f"Bearer {token}"
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }
    messages: list[Message] = [{"type": "http.request", "body": body}]

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop()

    await app(scope, receive, send)
