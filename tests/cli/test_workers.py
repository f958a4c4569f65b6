"""Workers that die, and a supervisor that dies: who takes over, and that nothing is left."""

import os
import re
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cli.commands import PATIENCE, Server, ask, refuses, serving
from cli.test_draining import BEFORE, CLIENTS, Load
from cli.test_serve import ANY_PORT
from processes import frozen
from waiting import until_seen

DIED = "A worker has crashed, and is replaced."


@pytest.fixture(scope="module")
def upstream() -> Iterator[Server]:
    """Run the sandbox's FHIR server for the tests of this file."""
    with serving("sandbox", "--upstream-only", *ANY_PORT) as server:
        yield server


def workers_of(server: Server) -> set[int]:
    """Return the ids of the processes that serve."""
    own = server.process.pid
    children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
    return {int(pid) for pid in children if b"spawn_main" in _command(pid)}


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return b""


def all_serve(server: Server) -> None:
    """Wait until each of two workers answers while the other one stands still."""
    until_seen(lambda: len(workers_of(server)) == 2)
    for pid in workers_of(server):
        [other] = workers_of(server) - {pid}
        with frozen(other):
            assert ask("GET", f"{server.url}/livez").status_code == 200


@pytest.mark.parametrize("how", ["killed", "replaced by SIGHUP"])
def test_those_who_take_over_lose_no_request_either(upstream: Server, how: str) -> None:
    """Restarted workers answer all accepted requests before they end."""
    settings = {"upstream_url": upstream.url, "workers": "2", "cache_ttl": "0"}
    with serving("serve", *ANY_PORT, **settings) as server:
        all_serve(server)
        first = workers_of(server)
        if how == "killed":
            for pid in first:
                os.kill(pid, signal.SIGKILL)
        else:
            server.process.send_signal(signal.SIGHUP)
        until_seen(lambda: len(workers_of(server)) == 2 and not workers_of(server) & first)
        all_serve(server)
        load = Load(httpx.URL(server.url))
        clients = [threading.Thread(target=load.ask, args=(n,)) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        assert load.enough.wait(PATIENCE)
        ended = server.end()
        for client in clients:
            client.join(PATIENCE)
    assert ended.status == 0
    assert ended.err.count(DIED) == (2 if how == "killed" else 0)
    assert ("The workers were replaced." in ended.err) is (how != "killed")
    assert Counter(load.seen).keys() == {"answered", "not let in"}
    assert len(load.seen) > BEFORE


def test_a_worker_dies_under_load(upstream: Server) -> None:
    """What it was doing is lost, and nothing else; Ctrl-C then ends the one that took over."""
    settings = {"upstream_url": upstream.url, "workers": "2", "cache_ttl": "0"}
    with serving("serve", *ANY_PORT, **settings) as server:
        all_serve(server)
        [victim, survivor] = workers_of(server)
        load = Load(httpx.URL(server.url))
        clients = [threading.Thread(target=load.ask, args=(n,)) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        assert load.enough.wait(PATIENCE)
        os.kill(victim, signal.SIGKILL)
        until_seen(lambda: len(workers_of(server) - {victim}) == 2)
        assert survivor in workers_of(server)
        all_serve(server)
        ended = server.end(signal.SIGINT)
        for client in clients:
            client.join(PATIENCE)
    assert (ended.status, ended.err.count("\n")) == (130, 2)
    assert DIED in ended.err
    assert Counter(load.seen)["lost"] <= CLIENTS


def test_workers_end_with_their_supervisor(upstream: Server) -> None:
    """When the command itself is killed its workers end too, and the port is free."""
    with serving("serve", *ANY_PORT, "--workers", "2", upstream_url=upstream.url) as server:
        all_serve(server)
        workers = workers_of(server)
        server.process.kill()
        until_seen(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers))
        port = int(server.url.rpartition(":")[2])
        socket.create_server(("127.0.0.1", port)).close()


def test_the_end_does_not_wait_for_the_replacement() -> None:
    """SIGTERM in the middle of SIGHUP ends all, and does not wait for who is still answering."""
    with socket.create_server(("127.0.0.1", 0)) as hung:
        port = hung.getsockname()[1]
        settings = {"upstream_url": f"http://127.0.0.1:{port}", "upstream_check": "false"}
        settings |= {"upstream_timeout": "120", "deadline": "120"}
        with serving("serve", *ANY_PORT, "--workers", "2", **settings) as server:
            all_serve(server)
            first = workers_of(server)
            asking = threading.Thread(target=_ask_in_vain, args=(server.url,))
            asking.start()
            taken, _ = hung.accept()
            server.process.send_signal(signal.SIGHUP)
            until_seen(lambda: workers_of(server) - first)
            server.process.send_signal(signal.SIGTERM)
            until_seen(lambda: refuses(server.url))
            assert asking.is_alive()
            taken.close()
            hung.close()
            asking.join(PATIENCE)
            assert server.process.wait(PATIENCE) == 0


def test_a_worker_that_is_stuck(upstream: Server) -> None:
    """It is killed when it has had time for its last requests: the command always ends."""
    with serving("serve", *ANY_PORT, "--workers", "2", upstream_url=upstream.url) as server:
        all_serve(server)
        stuck = workers_of(server).pop()
        with frozen(stuck):
            ended = server.end()
    assert ended.status == 0
    assert "A worker does not stop, and is killed." in ended.err


def _ask_in_vain(url: str) -> None:
    body = {"query": '{ group(id: "a") { id } }'}
    answer = ask("POST", f"{url}/graphql", json=body, headers={"authorization": "Bearer a"})
    assert answer.json()["errors"]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Return a file of API keys."""
    file = tmp_path / "keys"
    file.write_text(f"reports {'0' * 64} user/Group.read\n")
    return file


@pytest.fixture
def by_key(upstream: Server, keys: Path) -> dict[str, str]:
    """Return the settings of a gateway whose workers can't start once their file has gone."""
    settings = {"upstream_url": upstream.url, "callers": "api-keys", "api_keys_file": str(keys)}
    settings |= {"service_client_id": "sandbox", "service_client_secret": "sandbox-secret"}
    return settings | {"service_token_url": f"{upstream.url}/auth/token/"}


def test_a_worker_that_can_not_take_over(by_key: dict[str, str], keys: Path) -> None:
    """While another one serves it is tried again, at growing pauses, until one can."""
    with serving("serve", *ANY_PORT, "--workers", "2", **by_key) as server:
        all_serve(server)
        text = keys.read_text()
        keys.unlink()
        [victim, survivor] = workers_of(server)
        os.kill(victim, signal.SIGKILL)
        impatience = threading.Timer(PATIENCE, server.process.kill)
        impatience.start()
        assert server.process.stderr is not None
        pauses = [0, 0]
        while pauses[-2] == 0 or pauses[-2] >= pauses[-1]:
            line = server.process.stderr.readline()
            assert line, pauses
            pauses += map(int, re.findall(r"the next try is in (\d+) s", line))
        impatience.cancel()
        assert ask("GET", f"{server.url}/livez").status_code == 200
        keys.write_text(text)
        all_serve(server)
        assert survivor in workers_of(server)
        assert server.end().status == 0


def test_workers_that_can_not_start(by_key: dict[str, str], keys: Path) -> None:
    """Where no worker can ever serve, the command says so and fails."""
    with serving("serve", *ANY_PORT, "--workers", "2", **by_key) as server:
        keys.unlink()  # the command has read it, and the workers are only just beginning
        _, err = server.process.communicate(timeout=PATIENCE)
        assert server.process.returncode == 1
        assert "A worker can't start." in err
