"""What tracing costs, counted: the calls of OpenTelemetry's functions that a request makes."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from observability.conftest import Receiver
from redis_server import redis_server

READ = f'query {{ group(id: "{TEST_GROUP_ID}") {{ id }} }}'
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
UNSAMPLED = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-00"}


async def read(gateway: Any, **headers: str) -> None:
    """Read a group."""
    headers["authorization"] = "Bearer sandbox"
    answer = await gateway.http.post("/graphql", json={"query": READ}, headers=headers)
    assert answer.json()["data"]["group"]["id"] == TEST_GROUP_ID


class Calls:
    """A profiler that notes which functions of some packages are called."""

    def __init__(self, *packages: str) -> None:
        self.made: list[str] = []
        self._packages = packages

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Note an event of the interpreter."""
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith(self._packages):
            self.made.append(f"{module}:{frame.f_code.co_qualname}")


@contextmanager
def calls(*packages: str) -> Iterator[list[str]]:
    """Yield the list of this thread's calls into packages within the block."""
    noted = Calls(*packages)
    sys.setprofile(noted)
    try:
        yield noted.made
    finally:
        sys.setprofile(None)


@pytest.fixture
def sampler(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that chooses the sampler."""
    return lambda name: monkeypatch.setenv("OTEL_TRACES_SAMPLER", name)


@pytest.mark.parametrize("cache_ttl", [0, 60])
@pytest.mark.parametrize("headers", [{}, UNSAMPLED])
async def test_an_unsampled_request(
    cache_ttl: int,
    headers: dict[str, str],
    traced: Callable[..., Any],
    sampler: Callable[[str], None],
) -> None:
    """A request that is not sampled calls nothing of OpenTelemetry, cached or not."""
    sampler("parentbased_always_off")
    gateway = await traced(cache_ttl=cache_ttl)
    await read(gateway)
    with calls("opentelemetry") as made:
        await read(gateway, **headers)
    assert made == []


@pytest.mark.parametrize(("cache_ttl", "spans"), [(0, 3), (60, 1)])
async def test_a_sampled_request(
    cache_ttl: int, spans: int, traced: Callable[..., Any], receiver: Receiver
) -> None:
    """A span takes a dozen calls until it is exported; the SDK's tracer takes seventy."""
    gateway = await traced(cache_ttl=cache_ttl)
    await read(gateway)
    with calls("opentelemetry") as made:
        await read(gateway)
    await traced.end()
    assert len(receiver.spans) == 3 + spans
    assert len(made) <= 12 * spans


async def test_redis_without_a_sampled_trace(traced: Callable[..., Any], tmp_path: Path) -> None:
    """What Redis is asked for a request that is not sampled makes no span."""
    with redis_server(tmp_path) as server:
        gateway = await traced(cache_url=server.url)
        with calls("opentelemetry") as made:
            await read(gateway, **UNSAMPLED)
        await traced.end()
    assert [call for call in made if "instrumentation.redis" in call]
    assert not [call for call in made if call.startswith("opentelemetry.sdk")]


async def test_export(traced: Callable[..., Any], receiver: Receiver) -> None:
    """The service's description is serialized once for an export, however many spans it has."""
    noted = Calls("json")
    threading.setprofile(noted)  # of the thread that exports
    try:
        gateway = await traced()
    finally:
        threading.setprofile(None)
    for _ in range(20):
        await read(gateway)
    await traced.end()
    assert len(receiver.spans) == 22  # the first one was executed
    assert noted.made.count("json:dumps") <= 1
