"""How tests listen: over WebSockets and event streams, as programs do."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from frontdoor import Gateway
from group_gateway.sandbox.wellknown import TEST_GROUP_ID

PATIENCE = 60
PROTOCOL = "graphql-transport-ws"
CHANGES = """
subscription Changes($id: ID!, $since: String) {
  groupChanged(id: $id, sinceVersion: $since) { id name version }
}
"""


@dataclass
class Talk:
    """A WebSocket, and what is said over it."""

    socket: ClientConnection

    async def say(self, type: str, **more: Any) -> None:
        """Send a message."""
        await self.socket.send(json.dumps({"type": type, **more}))

    async def hear(self) -> dict[str, Any]:
        """Return the next message."""
        message: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))
        return message

    async def closed(self) -> tuple[int, str]:
        """Wait for the other side to close; return its code and reason."""
        with suppress(ConnectionClosed):
            async with asyncio.timeout(PATIENCE):
                while True:
                    await self.socket.recv()
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""

    async def introduce(self, token: str | None = "sandbox") -> dict[str, Any]:
        """Send `connection_init`; return the response."""
        payload = {} if token is None else {"payload": {"Authorization": f"Bearer {token}"}}
        await self.say("connection_init", **payload)
        return await self.hear()

    async def ask(self, id: str, query: str, /, **variables: Any) -> None:
        """Begin an operation."""
        await self.say("subscribe", id=id, payload={"query": query, "variables": variables})

    async def listen(self, id: str = "1", group: str = TEST_GROUP_ID) -> Any:
        """Subscribe; return the first event, which holds the group as it is."""
        await self.ask(id, CHANGES, id=group, since="long ago")
        return changed(await self.hear())


def changed(message: dict[str, Any]) -> Any:
    """Return the group in an event."""
    assert message["type"] == "next", message
    assert "errors" not in message["payload"], message
    return message["payload"]["data"]["groupChanged"]


def codes(message: dict[str, Any]) -> list[str]:
    """Return the codes in a message that an operation has failed."""
    assert message["type"] == "error", message
    return [error["extensions"]["code"] for error in message["payload"]]


@dataclass
class Stream:
    """An event stream under way."""

    response: httpx.Response
    lines: AsyncIterator[str] = field(init=False)

    def __post_init__(self) -> None:
        """Begin to read."""
        self.lines = self.response.aiter_lines()

    async def event(self) -> tuple[str, Any]:
        """Return the next event: its name, and its decoded data; comments are passed over."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self._event()
            except httpx.RemoteProtocolError:
                return "broken off", None

    async def _event(self) -> tuple[str, Any]:
        name = ""
        async for line in self.lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data:"):
                data = line.removeprefix("data:").strip()
                return name, json.loads(data) if data else None
        return "end", None


@dataclass
class Server:
    """A gateway on a real socket."""

    url: str
    http: httpx.AsyncClient
    stop: Callable[[], None]

    @property
    def gateway(self) -> Gateway:
        """Return what asks it for one answer at a time."""
        return Gateway(self.http)

    @asynccontextmanager
    async def connected(self, **options: Any) -> AsyncIterator[Talk]:
        """Open a WebSocket."""
        options = {"subprotocols": [PROTOCOL], "max_size": None, **options}
        async with connect(f"ws{self.url.removeprefix('http')}/graphql", **options) as socket:
            yield Talk(socket)

    @asynccontextmanager
    async def introduced(
        self, token: str | None = "sandbox", **options: Any
    ) -> AsyncIterator[Talk]:
        """Open a WebSocket, and say who it is."""
        async with self.connected(**options) as talk:
            assert await talk.introduce(token) == {"type": "connection_ack"}
            yield talk

    @asynccontextmanager
    async def streamed(
        self, query: str = CHANGES, token: str = "sandbox", **variables: Any
    ) -> AsyncIterator[Stream]:
        """Open an event stream."""
        asked = {"query": query, "variables": variables}
        headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
        async with self.http.stream("POST", "/graphql", json=asked, headers=headers) as response:
            yield Stream(response)

    async def rename(self, name: str, group: str = TEST_GROUP_ID) -> None:
        """Change a group through the gateway."""
        mutation = """mutation ($input: UpdateGroupInput!) {
            updateGroup(input: $input) { issues { code } } }"""
        done = await self.gateway.data(mutation, input={"id": group, "name": name})
        assert done["updateGroup"]["issues"] == []

    async def metric(self, name: str, **labels: str) -> float:
        """Return a number of /metrics."""
        shown = ",".join(f'{label}="{value}"' for label, value in labels.items())
        line = rf"^group_gateway_{name}{re.escape(f'{{{shown}}}' if shown else '')} (\S+)$"
        found = re.search(line, (await self.http.get("/metrics")).text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    async def until_metric(self, number: float, name: str, **labels: str) -> None:
        """Wait for a number of /metrics to be this."""
        async with asyncio.timeout(PATIENCE):
            while await self.metric(name, **labels) != number:  # noqa: ASYNC110 - over HTTP
                await asyncio.sleep(0.02)
