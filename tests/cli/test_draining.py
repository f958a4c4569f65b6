"""SIGTERM under load: what was taken is answered, with one worker and with two."""

import json
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from cli.commands import PATIENCE, Server, serving
from cli.sockets import receive
from cli.test_serve import ANY_PORT
from group_gateway.app import connection_limits
from group_gateway.config import Settings
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from group_gateway.server.uvicorn_server import config

CLIENTS = 8
BEFORE = 200
"""Answers that the clients have before the signal comes."""


@dataclass
class Load:
    """Clients that send requests until no connection is accepted.

    `seen` is the outcome of each request.
    """

    url: httpx.URL
    seen: list[str] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)

    def ask(self, number: int) -> None:
        """Ask over and over, on one connection as long as it holds; half of them on new ones."""
        kept = number % 2 == 0
        try:
            while True:
                with socket.create_connection((self.url.host, self.url.port or 0), PATIENCE) as to:
                    while self._exchange(to, number) and kept:
                        pass
        except ConnectionRefusedError:
            self.seen.append("not let in")

    def _exchange(self, connection: socket.socket, number: int) -> bool:
        """Send a request and count its outcome; return whether the connection is reusable."""
        count = len(self.seen)
        query = f'{{ a{count}_{number}: group(id: "{TEST_GROUP_ID}") {{ name }} }}'
        body = json.dumps({"query": query}).encode()
        connection.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer sandbox\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        answer = receive(connection)
        answered = answer.startswith(b"HTTP/1.1 200") and b"Test Group" in answer
        self.seen.append("answered" if answered else "lost")
        if len(self.seen) >= BEFORE:
            self.enough.set()
        return answered and b"connection: close" not in answer


@pytest.fixture(scope="module")
def upstream() -> Iterator[Server]:
    """Run the sandbox's FHIR server for the tests of this file."""
    with serving("sandbox", "--upstream-only", *ANY_PORT) as server:
        yield server


@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_request_is_lost(upstream: Server, workers: str) -> None:
    """Each request that was accepted during the shutdown gets its response."""
    settings = {"upstream_url": upstream.url, "workers": workers, "cache_ttl": "0"}
    with serving("serve", *ANY_PORT, **settings) as server:
        load = Load(httpx.URL(server.url))
        clients = [threading.Thread(target=load.ask, args=(n,)) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        assert load.enough.wait(PATIENCE)
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0
        for client in clients:
            client.join(PATIENCE)
    seen = Counter(load.seen)
    assert seen.keys() == {"answered", "not let in"}, seen
    assert seen["answered"] > BEFORE
    assert seen["not let in"] == CLIENTS


@pytest.mark.parametrize(("deadline", "seconds"), [(1.0, 30), (20.0, 30), (59.5, 70)])
def test_what_is_under_way_has_until_its_deadline(deadline: float, seconds: int) -> None:
    """The server ends no request sooner than its deadline would, and then lets it be answered."""
    limits = connection_limits(Settings(deadline=deadline))
    assert config(None, limits).timeout_graceful_shutdown == seconds
