"""`python -m bench.tracing_cost`: what OpenTelemetry costs, by the CPU time of one request.

Gateways without it, with 1 % of the traces kept, and with all of them, are asked in turn in one
process, so that what else the machine does concerns all alike. Export is included.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

from bench.inprocess import InProcess, opened
from bench.install import need
from bench.nginx import upstream
from bench.resources import Catalogue
from bench.system import LOAD_CORE, SERVER_CORE, free_port, running
from bench.tables import figure, table
from bench.workloads import CONNECTION

OFF, SAMPLED, ALL = "without", "1 % kept", "all kept"
_RATIOS = {SAMPLED: "0.01", ALL: "1"}
_TURNS = 60
_BATCHES = {"cold": 60, "warm": 600}
"""Requests of a gateway's turn."""
Costs = dict[str, list[float]]
"""CPU microseconds of a request in each turn, by gateway."""


@asynccontextmanager
async def gateways(
    url: str, collector: str, cache_ttl: float
) -> AsyncIterator[dict[str, InProcess]]:
    """Run the gateways within the block."""
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector
    os.environ["OTEL_TRACES_SAMPLER"] = "traceidratio"
    async with AsyncExitStack() as stack:
        made = {OFF: await stack.enter_async_context(opened(url, cache_ttl=cache_ttl))}
        for title, ratio in _RATIOS.items():
            os.environ["OTEL_TRACES_SAMPLER_ARG"] = ratio
            traced = opened(url, cache_ttl=cache_ttl, opentelemetry=True)
            made[title] = await stack.enter_async_context(traced)
        yield made


async def measured(made: Mapping[str, InProcess], body: bytes, batch: int, turns: int) -> Costs:
    """Return what a request costs each gateway, turn by turn."""
    costs: Costs = {title: [] for title in made}
    for _ in range(turns + 1):
        for title, gateway in made.items():
            began = time.process_time_ns()
            for _ in range(batch):
                await gateway.post(body)
            costs[title].append((time.process_time_ns() - began) / batch / 1000)
    return {title: turn[1:] for title, turn in costs.items()}  # the first one warms up


def more(costs: Costs, title: str) -> float:
    """Return by which share a gateway costs more: the median over the turns."""
    pairs = zip(costs[title], costs[OFF], strict=True)
    return median(cost / least for cost, least in pairs) - 1


async def _all(url: str, collector: str, turns: int) -> dict[str, Costs]:
    body = CONNECTION.workloads(Catalogue())["W1"].bodies[0]
    found = {}
    for kind, batch in _BATCHES.items():
        ttl = 0.0 if kind == "cold" else 3600.0
        async with gateways(url, collector, ttl) as made:
            found[f"W1 {kind}"] = await measured(made, body, batch, turns)
    return found


def run(turns: int) -> None:
    """Measure so many turns, and print a table."""
    need(["nginx", "taskset"])
    catalogue = Catalogue()
    os.sched_setaffinity(0, {SERVER_CORE})
    with tempfile.TemporaryDirectory() as folder:
        work, port = Path(folder), free_port()
        sink = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "bench.constant", str(port), "2"]
        with (
            upstream(work / "upstream", catalogue.files(), catalogue.searches()) as source,
            running(command, core=LOAD_CORE, log=work / "collector.log", ready=sink),
        ):
            found = asyncio.run(_all(source.url, sink, turns))
    rows = [
        [
            kind,
            figure(median(costs[OFF])),
            *(f"{figure(median(costs[t]))} ({more(costs, t):+.1%})" for t in _RATIOS),
        ]
        for kind, costs in found.items()
    ]
    sys.stdout.write(table(["CPU µs of a request", OFF, *_RATIOS], rows))


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else _TURNS)
