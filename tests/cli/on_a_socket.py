"""A gateway on a socket, and POSTs as they go over the wire."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from cli.commands import PATIENCE
from group_gateway.sandbox.wellknown import TEST_GROUP_ID

ID = {"id": TEST_GROUP_ID}
READ = {"query": "query ($id: ID!) { group(id: $id) { name active } }", "variables": ID}
HEAD = (
    "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    "Content-Type: application/json\r\n{more}Content-Length: {length}\r\n\r\n"
)


class Served:
    """A gateway on a socket, and how many requests its application executed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.applied = 0
        self.stop: Callable[[], None] = lambda: None
        """Begin the server's shutdown."""

    async def ask(self, *requests: bytes) -> list[tuple[bytes, bytes]]:
        """Send requests at once over one connection; return head and body of each answer."""
        async with connected(self) as (reader, writer):
            writer.write(b"".join(requests))
            return [await answer(reader) for _ in requests]


@asynccontextmanager
async def connected(
    served: Served,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a connection within the block."""
    address = httpx.URL(served.url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return head and body of the next response."""
    async with asyncio.timeout(PATIENCE):
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return head, await reader.readexactly(int(length))


def post(asked: dict[str, Any] = READ, token: str = "sandbox", more: str = "") -> bytes:
    """Return a POST as it goes over the wire."""
    body = json.dumps(asked).encode()
    return HEAD.format(token=token, more=more, length=len(body)).encode() + body
