"""A Redis whose user may not do all that the gateway needs.

The gateway works without Redis, says once what is refused, and shares when it is allowed.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.commands import PATIENCE, Server, ask, run, serving
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from redis_server import RedisServer, redis_server
from replicas.load import READ
from replicas.redis_topologies import told
from replicas.test_topologies import ALLOWED

WRITE = """mutation ($id: ID!) {
  updateGroup(input: { id: $id, name: "renamed" }) { issues { code severity } }
}"""
ATTEMPTS = 4
"""At a refused command. The first fails a request, the others find out whether it is allowed."""
WARNING = "The cache fails, and is bypassed until it works"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Server]:
    """Run the sandbox's FHIR server."""
    with serving("sandbox", "--upstream-only", "--port", "0") as server:
        yield server


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a Redis with a user who may do what the documentation lists."""
    user = f"--user gateway on >secret ~group-gateway:* -@all {ALLOWED}".split()
    with redis_server(tmp_path, *user) as server:
        yield server


def settings_of(redis: RedisServer, upstream: Server) -> dict[str, str]:
    """Return the settings of a gateway, with a password that nothing may show."""
    url = redis.url.replace("//", "//gateway:secret@")
    return {"upstream_url": upstream.url, "cache_url": url, "upstream_check": "false"}


def answer(gateway: Server, query: str) -> Any:
    """Return the data of an answer that has no errors."""
    body = {"query": f"{query} # {time.monotonic()}", "variables": {"id": TEST_GROUP_ID}}
    known = {"Authorization": "Bearer sandbox"}
    got = ask("POST", f"{gateway.url}/graphql", json=body, headers=known).json()
    assert "errors" not in got, got
    return got["data"]


def until(gateway: Server, state: str) -> dict[str, Any]:
    """Read and write, until the probe says that the cache is in a state; return what it says."""
    end = time.monotonic() + PATIENCE
    while True:
        answer(gateway, READ)
        said: dict[str, Any] = ask("GET", f"{gateway.url}/readyz").json()
        if said["cache"] == state:
            return said
        assert time.monotonic() < end, said
        answer(gateway, WRITE)


def attempts(redis: RedisServer, command: str) -> int:
    """Return how often a command was refused."""
    line = rf"cmdstat_{command}:.*rejected_calls=(\d+)"
    found = re.search(line, told(redis.port, "INFO", "commandstats"))
    return int(found[1]) if found else 0


@pytest.mark.parametrize("command", ["set", "mget", "eval", "xread", "xrevrange"])
def test_a_command_that_is_refused(upstream: Server, redis: RedisServer, command: str) -> None:
    """It is named in the log, once for all attempts, by the probe, and by the doctor."""
    told(redis.port, "ACL", "SETUSER", "gateway", f"-{command}")
    refused = f"Redis refuses {command.upper()} (NOPERM)"
    known = settings_of(redis, upstream)
    with serving("serve", "--port", "0", **known) as gateway:
        until(gateway, "unavailable")
        while attempts(redis, command) < ATTEMPTS:
            answer(gateway, READ)
            answer(gateway, WRITE)
            time.sleep(0.1)
        assert until(gateway, "unavailable")["cacheProblem"] == refused
        doctor = run("doctor", **known, doctor_token="sandbox")
        assert f"{refused}." in doctor.out
        told(redis.port, "ACL", "SETUSER", "gateway", f"+{command}")
        assert "cacheProblem" not in until(gateway, "ok")
        ended = gateway.end()
    assert ended.status == 0
    assert [line for line in ended.err.splitlines() if WARNING in line and refused in line]
    assert ended.err.count(WARNING) <= 2, ended.err  # it may be silent before it refuses
    assert "secret" not in ended.err
    assert "group-gateway:" not in ended.err.replace("group-gateway: ", "")


def test_a_write_that_can_be_announced_to_nobody(upstream: Server, redis: RedisServer) -> None:
    """Redis has no memory for it. The other gateway, which could go on, does without its cache."""
    known = {**settings_of(redis, upstream), "cache_ttl": "600"}
    with (
        serving("serve", "--port", "0", **known) as writer,
        serving("serve", "--port", "0", **known) as reader,
    ):
        for gateway in (writer, reader):
            until(gateway, "ok")
        told(redis.port, "CONFIG", "SET", "maxmemory", "1000")
        name = answer(reader, READ)["group"]["name"]
        answer(writer, WRITE.replace("renamed", f"not {name}"))
        end = time.monotonic() + PATIENCE
        while answer(reader, READ)["group"]["name"] == name:
            assert time.monotonic() < end
            time.sleep(0.1)
        told(redis.port, "CONFIG", "SET", "maxmemory", "0")
        for gateway in (writer, reader):
            until(gateway, "ok")
