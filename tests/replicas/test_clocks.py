"""A replica whose clock is wrong shares its entries, and none of them lives longer for it.

Debian's `faketime` sets the clock of one of two gateways.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.commands import PATIENCE, Server, ask, serving
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from redis_server import redis_server
from replicas.load import READ
from replicas.test_refusals import answer, until

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
CALLER = {"Authorization": "Bearer sandbox"}
TTL = 5.0
"""Seconds. The clock is wrong by an hour, and the test waits a minute at most."""


@pytest.fixture
def upstream() -> Iterator[Server]:
    """Run the sandbox's FHIR server."""
    with serving("sandbox", "--upstream-only", "--port", "0") as server:
        yield server


@pytest.mark.skipif(LIBRARY is None, reason="needs Debian's package faketime")
@pytest.mark.parametrize("offset", ["+3600s", "-3600s"])
def test_a_clock_that_is_wrong(
    upstream: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offset: str
) -> None:
    """The other gateway finds the entry, and reads again when its time is over."""
    known = {"upstream_url": upstream.url, "upstream_check": "false", "cache_ttl": str(TTL)}
    with redis_server(tmp_path) as redis:
        known["cache_url"] = redis.url
        with serving("serve", "--port", "0", **known) as right:
            monkeypatch.setenv("LD_PRELOAD", str(LIBRARY))
            monkeypatch.setenv("FAKETIME", offset)
            monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            with serving("serve", "--port", "0", **known) as wrong:
                for gateway in (right, wrong):
                    until(gateway, "ok")
                name = shared_name(upstream, wrong, right)
                rename(upstream, "another name")
                end = time.monotonic() + PATIENCE
                while read(right) == name:
                    assert time.monotonic() < end
                    time.sleep(0.1)


def read(gateway: Server) -> str:
    """Return the name of the group, from the gateway's own entry if it has one."""
    return str(answer(gateway, READ)["group"]["name"])


def shared_name(upstream: Server, one: Server, other: Server) -> str:
    """Read through one gateway until the other finds the entry, which takes no upstream call."""
    end = time.monotonic() + PATIENCE
    while True:
        time.sleep(TTL)  # no entry is left
        name = read(one)
        ask("DELETE", f"{upstream.url}/sandbox/requests")
        assert read(other) == name
        if not ask("GET", f"{upstream.url}/sandbox/requests").json()["requests"]:
            return name
        assert time.monotonic() < end, "they share nothing"


def rename(upstream: Server, name: str) -> None:
    """Rename the group past the gateways, so that nobody hears of it."""
    place = f"{upstream.url}/Group/{TEST_GROUP_ID}"
    group = ask("GET", place, headers=CALLER).json()
    assert ask("PUT", place, headers=CALLER, json={**group, "name": name}).is_success
