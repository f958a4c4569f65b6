"""Many large request bodies at once: what finds no room is refused, and memory stays bounded."""

import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cli.commands import PATIENCE, Server, serving
from cli.sockets import receive
from cli.test_sandbox import name_of
from cli.test_serve import ANY_PORT

MEGABYTE = 1024 * 1024
SIZE = 4 * MEGABYTE - 1000
CLIENTS = 40
ROOM = 16
GROWTH = 60 * 1024
"""Kilobytes that the process may grow by: the room, and what decoding one body takes."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Run a gateway with room for four bodies."""
    with serving("sandbox", *ANY_PORT, bodies_megabytes=str(ROOM)) as made:
        yield made


def body() -> bytes:
    """Return a large body that asks for little."""
    return json.dumps({"query": "{ __typename }", "variables": {"x": "x" * (SIZE - 64)}}).encode()


def head(length: int) -> bytes:
    """Return the head of a request with a body."""
    return (
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    )


def peak(server: Server) -> int:
    """Return the most memory that the process has had, in kilobytes."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1])


def connect(server: Server) -> socket.socket:
    """Open a connection."""
    return socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), PATIENCE)


def whole(server: Server) -> bytes:
    """Send one large body; return the answer."""
    with connect(server) as client:
        client.sendall(head(len(body())) + body())
        return receive(client)


def test_more_bodies_than_there_is_room_for(server: Server) -> None:
    """Bodies beyond the budget are OVERLOADED at once; small requests and later large ones work."""
    assert b"Query" in whole(server)
    before = peak(server)
    most, part = body(), len(body()) - 1
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(server)) for _ in range(CLIENTS)]
        for client in clients:
            client.sendall(head(len(most)) + most[:part])
        refused: set[socket.socket] = set()
        end = time.monotonic() + PATIENCE
        while len(refused) < CLIENTS - ROOM // 4:
            assert time.monotonic() < end
            refused |= set(select.select(clients, [], [], 1)[0])
        for client in refused:
            answer = receive(client)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"OVERLOADED" in answer
            assert b"retry-after: 1" in answer
        assert name_of(server.url) == "Test Group"
        assert peak(server) < before + GROWTH
        for client in set(clients) - refused:
            client.sendall(most[part:])
            assert b"Query" in receive(client)
    for _ in range(2 * ROOM // 4):
        assert b"Query" in whole(server)
