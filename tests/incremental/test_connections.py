"""Connections that answers in parts go through: old ones, broken ones, a server's last ones."""

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

import httpx
import pytest

from cli.commands import PATIENCE, Server, ask, serving
from group_gateway.http.chunked_body import ChunkedBody
from incremental.conftest import Gate
from incremental.multipart import ACCEPT, Client
from incremental.test_life import outcomes
from incremental.test_parts import NESTED, PEOPLE

HEADERS = {"accept": ACCEPT, "authorization": "Bearer sandbox"}


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a gateway that answers in parts."""
    with serving("sandbox", "--port", "0", incremental_delivery="true") as server:
        yield server


def slow_down(server: Server, **quirks: Any) -> None:
    """Set quirks of a sandbox's upstream."""
    assert server.process.stdout is not None
    upstream = server.process.stdout.readline().split()[-1]
    ask("PUT", f"{upstream}/sandbox/quirks", json=quirks)


def test_a_server_that_ends(server: Server) -> None:
    """SIGTERM lets an answer come to its last part."""
    slow_down(server, latency_ms=1000)
    body = {"query": PEOPLE}
    with httpx.stream(
        "POST", f"{server.url}/graphql", json=body, headers=HEADERS, timeout=PATIENCE
    ) as response:
        pieces = response.iter_raw()
        received = next(pieces)
        os.kill(server.process.pid, signal.SIGTERM)
        received += b"".join(pieces)
    assert received.endswith(b"\r\n-----\r\n")
    assert received.count(b'"nodes":[{') == 3
    assert server.process.wait(PATIENCE) == 0


def test_http_1_0(server: Server) -> None:
    """HTTP/1.0 has no bodies in pieces: its clients get the whole answer."""
    body = json.dumps({"query": NESTED}).encode()
    told = HEADERS | {"content-type": "application/json", "content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    url = httpx.URL(server.url)
    with socket.create_connection((url.host, url.port or 0), PATIENCE) as connection:
        connection.sendall(f"POST /graphql HTTP/1.0\r\n{head}\r\n".encode() + body)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
    head_received, _, answer = received.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head_received
    assert json.loads(answer)["data"]["group"]["member"]


def test_a_ready_answer_from_the_connection(server: Server) -> None:
    """A ready complete response is sent also to clients that accept parts."""
    with httpx.Client(base_url=server.url, headers=HEADERS, timeout=PATIENCE) as client:
        whole = {"accept": "application/json"}
        wholes = [client.post("/graphql", json={"query": NESTED}, headers=whole) for _ in range(2)]
        ready = client.post("/graphql", json={"query": NESTED})
        assert ready.content == wholes[0].content == wholes[1].content
        metrics = client.get("/metrics").text
    assert 'group_gateway_requests_total{outcome="ready"} 2.0' in metrics


async def test_proxies_are_told(client: Client) -> None:
    """No cache may store the response, and no proxy may delay a part."""
    async with client.asking(NESTED) as parts:
        headers = parts.response.headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-accel-buffering"] == "no"
        assert headers["vary"] == "Accept, Accept-Encoding, Authorization, Origin"
        assert len(headers["x-correlation-id"]) == 32


async def test_beside_event_streams(make_client: Callable[..., Any]) -> None:
    """`Accept` of multipart and event streams gets parts; without multipart a whole response."""
    client = await make_client(subscriptions=True)
    both = "text/event-stream, multipart/mixed"
    assert (await client(NESTED, accept=both)).data["group"]["member"]
    async with client.asking(NESTED, accept="text/event-stream") as stream:
        text = (await stream.response.aread()).decode()
    assert text.startswith("event: next\ndata: {")
    assert '"member":[{' in text


async def test_many_clients_that_leave(make_client: Callable[..., Any], gate: Gate) -> None:
    """Each client that leaves, at any moment, is recorded once and frees its slot."""
    client = await make_client(operations=30)
    gate.hold("patient=")

    async def leave(number: int) -> None:
        query = PEOPLE.replace("group(", f"a{number}: group(")
        async with client.asking(query) as parts:
            if number % 3:
                await parts.next()

    await asyncio.gather(*map(leave, range(30)))
    await outcomes(client, "30 abandoned")
    gate.open()
    answers = [client.whole(f"{{ b{n}: groups {{ totalCount }} }}") for n in range(30)]
    assert not [answer for answer in await asyncio.gather(*answers) if "errors" in answer]


async def test_a_client_that_takes_nothing() -> None:
    """When the time is over the pieces are closed, whatever the client does."""
    closed = asyncio.Event()

    async def pieces() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"piece"
        finally:
            closed.set()

    async def forever(*_: Any) -> Any:
        await asyncio.Event().wait()

    until = time.time() + 0.05
    await asyncio.wait_for(ChunkedBody(pieces(), until).send(forever, forever), PATIENCE)
    assert closed.is_set()


async def test_a_bug_is_not_hidden() -> None:
    """What goes wrong in a piece is raised, so that the server cuts the connection and says so."""

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"piece"
        raise LookupError

    async def forever() -> Any:
        await asyncio.Event().wait()

    async def take(_: Any) -> None:
        await asyncio.sleep(0)

    until = time.time() + PATIENCE
    with pytest.raises(LookupError):
        await ChunkedBody(pieces(), until).send(forever, take)
