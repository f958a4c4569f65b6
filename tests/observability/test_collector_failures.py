"""A collector that fails costs no request anything, and is reported once."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from cli.commands import ask, serving
from observability.conftest import Receiver
from observability.test_opentelemetry import READ, SAMPLED, post

FEW = 5
"""Spans that fit into the queue of these tests; a read has three."""


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", str(FEW))


async def counted(gateway: Any, outcome: str) -> float:
    """Return how many spans had an outcome."""
    text = (await gateway.http.get("/metrics")).text
    [line] = [line for line in text.splitlines() if f'spans_total{{outcome="{outcome}"}}' in line]
    return float(line.split()[-1])


async def until(gateway: Any, outcome: str, least: float) -> None:
    """Wait until so many spans had an outcome."""
    async with asyncio.timeout(60):
        while await counted(gateway, outcome) < least:  # noqa: ASYNC110 - nothing sets an event
            await asyncio.sleep(0.02)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines about spans."""
    own = [record for record in caplog.records if record.name.startswith("group_gateway")]
    return [record.getMessage() for record in own if "pans" in record.getMessage()]


@pytest.mark.parametrize("status", [401, 302])
async def test_a_collector_that_refuses(
    status: int,
    traced: Callable[..., Any],
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log says once how the collector answers, and once that spans arrive again."""
    caplog.set_level("INFO", "group_gateway")
    receiver.status = status
    gateway = await traced()
    for lost in (3, 4, 5):  # the first response is cached
        assert (await post(gateway, READ, **SAMPLED))["data"]
        await until(gateway, "lost", lost)
    assert said(caplog) == [f"Spans are lost: the collector answers {status}."]
    receiver.status = 200
    await post(gateway, READ, **SAMPLED)
    await until(gateway, "exported", 1)
    assert said(caplog)[1:] == [
        f"Spans arrive again. {await counted(gateway, 'lost'):.0f} were lost."
    ]


async def test_a_collector_that_hangs(
    traced: Callable[..., Any], receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Requests go on, spans beyond the queue are dropped, and the end is not held up."""
    receiver.may_answer.clear()
    gateway = await traced()
    await post(gateway, READ, **SAMPLED)
    await asyncio.to_thread(receiver.arrived.wait)
    for _ in range(10):
        assert (await post(gateway, READ, **SAMPLED))["data"]
    began = time.monotonic()
    await traced.end()
    assert time.monotonic() - began < 10  # OpenTelemetry's SDK alone waits for 30 seconds
    assert [line for line in said(caplog) if line.endswith("spans were lost.")]


async def test_more_spans_than_can_be_sent(
    traced: Callable[..., Any], receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Spans that the queue has no room for are counted as lost, and the log gives the reason."""
    receiver.may_answer.clear()
    gateway = await traced()
    await post(gateway, READ, **SAMPLED)
    await asyncio.to_thread(receiver.arrived.wait)
    for _ in range(20):
        await post(gateway, READ, **SAMPLED)
    receiver.may_answer.set()
    await until(gateway, "lost", 1)
    assert said(caplog)[0] == "Spans are lost: more spans end than can be sent."


def test_the_log_of_a_process(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries' own lines, which could not say more, do not stand beside the gateway's."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    receiver.status = 401
    with serving("sandbox", "--port", "0", opentelemetry="on") as server:
        for _ in range(20):
            ask("GET", f"{server.url}/graphql", params={"query": "{ __typename }"})
        ended = server.end()
    lines = [json.loads(line)["message"] for line in ended.err.splitlines() if line[0] == "{"]
    assert lines[0] == "Spans are lost: the collector answers 401."
    assert len([line for line in lines if "pans" in line]) == 2
