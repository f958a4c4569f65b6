"""Which traces are sampled, as OpenTelemetry's own samplers decide."""

import asyncio
from collections.abc import Callable
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from group_gateway.app import connection_limits, create_app
from group_gateway.config import Settings
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from group_gateway.server.listening import listen
from group_gateway.server.uvicorn_server import CompanionServer, config
from observability.conftest import Receiver

READ = f'{{ group(id: "{TEST_GROUP_ID}") {{ id }} }}'
PARENT = "00f067aa0ba902b7"
RATIO = 0.3
SDK = TraceIdRatioBased(RATIO)


def sdk_keeps(trace: str) -> bool:
    """Return whether OpenTelemetry's sampler keeps a trace."""
    return SDK.should_sample(None, int(trace, 16), "").decision.is_sampled()


async def read(gateway: Any, **headers: str) -> None:
    """Read a group."""
    headers["authorization"] = "Bearer sandbox"
    answer = await gateway.http.post("/graphql", json={"query": READ}, headers=headers)
    assert answer.json()["data"]["group"]["id"] == TEST_GROUP_ID


@pytest.fixture
def sampler(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that chooses the sampler; its ratio is RATIO."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", str(RATIO))
    return lambda name: monkeypatch.setenv("OTEL_TRACES_SAMPLER", name)


def traces() -> list[str]:
    """Return ids of traces: random ones, and those next to the ratio's bound."""
    drawn = [f"{Random(n).getrandbits(128):032x}" for n in range(40)]  # noqa: S311 - no secret
    edges = [f"{'f' * 16}{SDK.bound + step:016x}" for step in (-1, 0)]
    return [*drawn, *edges]


@pytest.mark.parametrize("flags", ["00", "01"])
async def test_a_ratio_of_traces_that_began_elsewhere(
    flags: str, traced: Callable[..., Any], receiver: Receiver, sampler: Callable[[str], None]
) -> None:
    """Without regard to the parent's flag, the id alone decides, as in every other service."""
    sampler("TraceIdRatio")  # in any case of letters, as the SDK reads it
    gateway = await traced()
    for trace in traces():
        await read(gateway, traceparent=f"00-{trace}-{PARENT}-{flags}")
    await traced.end()
    recorded = {span.trace_id.hex() for span in receiver.spans}
    assert recorded == {trace for trace in traces() if sdk_keeps(trace)}


@pytest.fixture
def dropped(
    traced: Callable[..., Any],
    receiver: Receiver,
    sandbox: Any,
    sampler: Callable[[str], None],
) -> Callable[..., Any]:
    """Return a request whose trace is not sampled, which returns the upstream's `traceparent`."""

    async def ask(**headers: str) -> str:
        sampler("always_off")
        gateway = await traced()
        sandbox.forget_calls()
        await read(gateway, **headers)
        await traced.end()
        assert receiver.spans == []
        [entry] = [e for e in sandbox.app.state.sandbox.requests.entries if e.path != "/metadata"]
        return str(entry.headers["traceparent"])

    return ask


async def test_a_trace_that_is_dropped_here(dropped: Callable[..., Any]) -> None:
    """No part of it is recorded, and the upstream hears that it is not."""
    passed_on = await dropped(traceparent=f"00-{traces()[0]}-{PARENT}-01")
    assert passed_on == f"00-{traces()[0]}-{PARENT}-00"


async def test_a_ratio_with_parents(
    traced: Callable[..., Any], receiver: Receiver, sampler: Callable[[str], None]
) -> None:
    """The parent's flag decides, whatever the ratio says of the id."""
    sampler("parentbased_traceidratio")
    gateway = await traced()
    for trace, number in zip(traces(), count()):
        await read(gateway, traceparent=f"00-{trace}-{PARENT}-0{number % 2}")
    await traced.end()
    assert {span.trace_id.hex() for span in receiver.spans} == set(traces()[1::2])


@pytest.mark.parametrize("kind", ["traceidratio", "parentbased_traceidratio"])
@pytest.mark.parametrize("cache_ttl", [0, 60])
async def test_a_ratio_of_traces_that_begin_here(
    kind: str,
    cache_ttl: int,
    traced: Callable[..., Any],
    receiver: Receiver,
    sampler: Callable[[str], None],
) -> None:
    """About that share is recorded, by ids that other services would keep as well."""
    sampler(kind)
    gateway = await traced(cache_ttl=cache_ttl)
    for _ in range(300):
        await read(gateway)
    await traced.end()
    recorded = {span.trace_id.hex() for span in receiver.spans}
    assert 40 < len(recorded) < 150  # 90 expected; further off by six standard deviations or more
    assert all(map(sdk_keeps, recorded))
    assert len([span for span in receiver.spans if not span.parent_span_id]) == len(recorded)


async def test_the_upstream_hears_that_a_trace_is_not_sampled(dropped: Callable[..., Any]) -> None:
    """The upstream need not decide anew, which would give it traces of its own."""
    version, trace, span, flags = (await dropped()).split("-")
    assert (version, flags) == ("00", "00")
    assert int(trace, 16)
    assert int(span, 16)


@pytest.mark.parametrize(
    ("variable", "value"), [("OTEL_SDK_DISABLED", "TRUE"), ("OTEL_TRACES_EXPORTER", "none")]
)
async def test_switched_off(  # noqa: PLR0913, PLR0917 - a table's columns and fixtures
    variable: str,
    value: str,
    traced: Callable[..., Any],
    receiver: Receiver,
    sandbox: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where OpenTelemetry's variables ask for no spans, contexts are passed on as they came."""
    monkeypatch.setenv(variable, value)
    gateway = await traced()
    sandbox.forget_calls()
    parent = f"00-{traces()[0]}-{PARENT}-01"
    await read(gateway, traceparent=parent)
    await traced.end()
    assert receiver.spans == []
    [entry] = [e for e in sandbox.app.state.sandbox.requests.entries if e.path != "/metadata"]
    assert entry.headers["traceparent"] == parent


@pytest.mark.parametrize("cache_ttl", [0, 60])
async def test_a_ratio_of_equal_requests(
    cache_ttl: int,
    sandbox: Any,
    receiver: Receiver,
    sampler: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of a client's equal requests over one connection is sampled by itself, once."""
    sampler("parentbased_traceidratio")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    known = Settings(upstream_url="http://upstream.test", cache_ttl=cache_ttl, opentelemetry=True)
    app = create_app(known, transport=httpx.ASGITransport(app=sandbox.app))
    with listen("127.0.0.1", 0) as sock:
        server = CompanionServer(config(app, connection_limits(known)))
        task = asyncio.create_task(server.serve(sockets=[sock]))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url) as http:
            for _ in range(200):
                await read(SimpleNamespace(http=http))
        server.should_exit = True
        await task
    sampled = [span for span in receiver.spans if span.name == "POST /graphql"]
    assert 30 <= len(sampled) <= 90  # 60, and more than four standard deviations around it
