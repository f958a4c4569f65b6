"""`python -m bench.tracing_cost`: what OpenTelemetry costs, by the server's CPU time of a request.

Gateways without it, and with none, 1 % and all of the traces sampled, are loaded in turn in one
run, so that what else the machine does concerns all alike. They are started anew several times,
because equal programs differ by where they happen to lie in memory. A second gateway without it
shows how much of a difference is noise.

A gateway exports its spans every five seconds, and sooner if there are 512. So its CPU time is
taken from the beginning of its turn to that of its next one, which is more than five seconds later:
a gateway pays for the export of its own spans whenever that happens. The first round warms up, with
an export too.
"""

import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median

from bench.gateway import UNSHARED, WARM, Mode, gateway
from bench.install import need
from bench.measuring import Target
from bench.nginx import upstream
from bench.resources import Catalogue
from bench.system import LOAD_CORE, free_port, running
from bench.tables import figure, table
from bench.workloads import CONNECTION
from bench.wrk import load

_OFF, _AGAIN = "without", "without, again"
_RATES = {"0 % sampled": "0", "1 % sampled": "0.01", "all sampled": "1"}
_TIMES = 6
_TURNS = 3
"""Of each gateway, each time that they are started."""
_SECONDS = 1
"""Of load, in a gateway's turn."""
_EXPORT_WITHIN = 6
"""Seconds after which a gateway has exported its spans (`OTEL_BSP_SCHEDULE_DELAY`, and a bit)."""
Costs = dict[str, list[float]]
"""CPU microseconds of a request in each turn, by gateway."""


def _modes(mode: Mode, collector: str) -> dict[str, Mode]:
    """Return the mode without OpenTelemetry, twice, and with it at each rate."""
    modes = {_OFF: mode, _AGAIN: replace(mode, name=f"{mode.name}-again")}
    for title, rate in _RATES.items():
        own = {
            "GROUP_GATEWAY_OPENTELEMETRY": "on",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
            "OTEL_TRACES_SAMPLER": "traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": rate,
        }
        modes[title] = replace(mode, name=f"{mode.name}-{rate}", settings=mode.settings | own)
    return modes


def _measured(targets: Mapping[str, Target], bodies: Path) -> Costs:
    """Return what a request costs each gateway, turn by turn; one more turn warms up."""
    spent: Costs = {title: [] for title in targets}
    sent: dict[str, list[int]] = {title: [] for title in targets}
    for _ in range(_TURNS + 1):
        for title, target in targets.items():
            spent[title].append(target.program.cpu_seconds())
            seen = load(target.url, bodies, _SECONDS, callers=target.callers)
            if seen.failures:
                raise SystemExit(f"{title}: {seen.failures} requests failed")
            sent[title].append(seen.requests)
    time.sleep(_EXPORT_WITHIN)
    costs: Costs = {}
    for title, target in targets.items():
        spent[title].append(target.program.cpu_seconds())
        turns = zip(pairwise(spent[title]), sent[title], strict=True)
        costs[title] = [1e6 * (after - before) / count for (before, after), count in turns][1:]
    return costs


def _row(kind: str, costs: Costs) -> list[str]:
    """Return a row: the medians, and by which share a gateway costs more in the same turn."""
    cells = [kind, figure(median(costs[_OFF]))]
    for title in (_AGAIN, *_RATES):
        pairs = zip(costs[title], costs[_OFF], strict=True)
        more = median(cost / least for cost, least in pairs) - 1
        cells.append(f"{figure(median(costs[title]))} ({more:+.1%})")
    return cells


def run(times: int) -> None:
    """Start the gateways so many times and measure them, and print a table."""
    need(["nginx", "wrk", "taskset"])
    catalogue = Catalogue()
    rows = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        work, port = Path(folder), free_port()
        bodies = work / "bodies"
        bodies.write_bytes(b"\n".join(CONNECTION.workloads(catalogue)["W1"].bodies))
        source = stack.enter_context(
            upstream(work / "upstream", catalogue.files(), catalogue.searches())
        )
        collector = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "bench.constant", str(port), "2"]
        log = work / "collector.log"
        stack.enter_context(running(command, core=LOAD_CORE, log=log, ready=collector))
        for mode in (UNSHARED, WARM):
            modes = _modes(mode, collector)
            costs: Costs = {title: [] for title in modes}
            for _ in range(times):
                with ExitStack() as inner:
                    targets = {
                        title: inner.enter_context(gateway(each, source.url, work))
                        for title, each in modes.items()
                    }
                    for title, turns in _measured(targets, bodies).items():
                        costs[title] += turns
            rows.append(_row(f"W1 {mode.title}", costs))
    sys.stdout.write(table(["CPU µs of a request", _OFF, _AGAIN, *_RATES], rows))


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else _TIMES)
