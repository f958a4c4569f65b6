"""A Redis that can't be used is reported at the start, by the doctor and by the probe."""

import socket
import time
from pathlib import Path

import pytest

from cli.commands import PATIENCE, Server, ask, run, serving
from redis_server import redis_server

ANY_PORT = ("--port", "0")


@pytest.fixture(scope="module")
def upstream():
    """Run the sandbox's FHIR server."""
    with serving("sandbox", "--upstream-only", *ANY_PORT) as server:
        yield server


def ready(server: Server) -> dict[str, object]:
    """Return what the probe says."""
    answer = ask("GET", f"{server.url}/readyz")
    assert answer.status_code == 200
    return dict(answer.json())


def test_a_redis_that_is_out_of_reach(upstream: Server) -> None:
    """The gateway starts, and says so in a sentence, without the address's password."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        url = f"redis://gateway:password@127.0.0.1:{nobody.getsockname()[1]}"
        with serving("serve", *ANY_PORT, upstream_url=upstream.url, cache_url=url) as server:
            assert ready(server)["cache"] == "unavailable"
            said = server.end().err
        doctor = run("doctor", upstream_url=upstream.url, cache_url=url, doctor_token="sandbox")
    assert (
        "group-gateway: warning: Redis can't be reached (ConnectionError). Until it can be used"
        " each request goes to the upstream. Check GROUP_GATEWAY_CACHE_URL, and that the server"
        " runs.\n"
    ) in said
    assert "password" not in said
    assert "Redis can't be reached (ConnectionError)." in doctor.out
    assert "password" not in doctor.out + doctor.err


def test_a_redis_that_refuses(upstream: Server, tmp_path: Path) -> None:
    """It says what refuses, and where to look."""
    with redis_server(tmp_path, "--requirepass", "secret") as redis:
        wrong = f"redis://:wrong@127.0.0.1:{redis.port}"
        doctor = run("doctor", upstream_url=upstream.url, cache_url=wrong, doctor_token="sandbox")
        assert "Redis refuses the user or password (WRONGPASS)." in doctor.out


def test_a_redis_that_answers(upstream: Server, tmp_path: Path) -> None:
    """All is well, and nothing is warned of."""
    with redis_server(tmp_path) as redis:
        shared = {"upstream_url": upstream.url, "cache_url": redis.url}
        with serving("serve", *ANY_PORT, **shared) as server:
            end = time.monotonic() + PATIENCE
            while ready(server)["cache"] != "ok":
                assert time.monotonic() < end
                time.sleep(0.05)
            assert "warning" not in server.end().err
        doctor = run("doctor", **shared, doctor_token="sandbox")
        assert "The Redis that replicas share answers." in doctor.out
