"""Several workers seen as one: metrics add up and never fall, and probes agree."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from cli.commands import PATIENCE, Server, ask, serving
from waiting import until_seen

ASKED = {"query": "{ __typename }"}
WORKERS = 3


@contextmanager
def gateway(*arguments: str, **settings: str) -> Iterator[tuple[Server, Server]]:
    """Run workers in front of an upstream of their own within the block."""
    with serving("sandbox", "--upstream-only", "--port", "0") as upstream:
        given = ("--upstream-url", upstream.url, "--port", "0", *arguments)
        with serving("serve", *given, **settings) as server:
            yield server, upstream


def counted(url: str, name: str = 'group_gateway_requests_total{outcome="complete"}') -> float:
    """Return a sample of the metrics, asked for on a new connection; 0 where there is none."""
    text = ask("GET", f"{url}/metrics").text
    lines = [line.split()[-1] for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(lines[0]) if lines else 0.0


def workers_of(server: Server) -> list[int]:
    """Return the processes of the workers that serve."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    found = [int(pid) for pid in children.read_text().split()]
    return [pid for pid in found if b"spawn_main" in command_of(pid)]


def command_of(pid: int) -> bytes:
    """Return the command line of a process; nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_counters_add_up_and_never_fall() -> None:
    """Whichever worker answers counts the requests of all, of one that was killed as well."""
    with gateway("--workers", str(WORKERS)) as (server, _):
        for _ in range(15):  # each on a connection of its own, so that all workers get some
            assert ask("POST", f"{server.url}/graphql", json=ASKED).status_code == 200
        assert [counted(server.url) for _ in range(8)] == [15.0] * 8
        assert counted(server.url, "process_resident_memory_bytes") > 0
        for kind in (signal.SIGKILL, signal.SIGTERM):
            killed = workers_of(server)[0]
            os.kill(killed, kind)
            until_seen(partial(_is_replaced, server, killed))
            assert [counted(server.url) for _ in range(8)] == [15.0] * 8
        server.process.send_signal(signal.SIGHUP)
        seen = [counted(server.url) for _ in range(20)]
        assert seen == [15.0] * 20


def test_workers_agree_on_readiness() -> None:
    """Once the upstream has answered, its outage makes no worker unready, old or new."""
    with gateway("--workers", str(WORKERS)) as (server, upstream):
        assert ask("GET", f"{server.url}/readyz").status_code == 200
        upstream.end()
        statuses = {ask("GET", f"{server.url}/readyz").status_code for _ in range(12)}
        assert statuses == {200}


def test_one_worker_without_a_probe_before_the_outage() -> None:
    """A gateway that has seen its upstream stays ready without it, whichever worker was probed."""
    with gateway() as (server, upstream):
        upstream.end()
        assert ask("GET", f"{server.url}/readyz").status_code == 200


def _is_replaced(server: Server, killed: int) -> bool:
    serving = workers_of(server)
    return len(serving) == WORKERS and killed not in serving


def free_port() -> int:
    """Return a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_for_metrics(workers: str) -> None:
    """With an admin port, metrics are served there only, and nothing but them and the probes."""
    port = free_port()
    with gateway("--workers", workers, admin_port=str(port)) as (server, _):
        admin = f"http://127.0.0.1:{port}"
        assert "group_gateway_requests" in ask("GET", f"{admin}/metrics").text
        assert ask("GET", f"{server.url}/metrics").status_code == 404
        assert ask("POST", f"{server.url}/graphql", json=ASKED).status_code == 200
        with httpx.Client(base_url=admin, timeout=PATIENCE) as http:
            assert http.post("/graphql", json=ASKED).status_code == 404
            assert http.get("/graphql").status_code == 404
            assert http.get("/livez").status_code == 200
        for url in (admin, server.url):
            assert ask("GET", f"{url}/readyz").status_code == 200


def test_a_full_process_shows_its_metrics() -> None:
    """Connections to the admin port are not among those that are bounded."""
    port = free_port()
    with gateway(admin_port=str(port), connections="1") as (server, _):
        address = httpx.URL(server.url)
        with socket.create_connection((address.host, address.port or 0)):
            assert ask("POST", f"{server.url}/graphql", json=ASKED).status_code == 503
            assert ask("GET", f"http://127.0.0.1:{port}/metrics").status_code == 200
