"""`python -m bench own`: the gateway itself, under load and stage by stage."""

import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bench.facts import Facts, facts
from bench.gateway import OWN_MODES, Mode, gateway
from bench.install import need
from bench.measuring import Measurement, Target, Timing, measure, timed
from bench.nginx import Upstream, upstream
from bench.progress import tell
from bench.resources import Catalogue
from bench.stages import EDGE, Stages, measure_stages
from bench.system import SERVER_CORE, free_port, running
from bench.workloads import CONNECTION, Workload

CEILING = "ceiling"
Loads = dict[str, dict[str, Measurement]]
"""Measurements by mode and workload."""


class Own(msgspec.Struct, frozen=True):
    """The results."""

    facts: Facts
    loads: Loads
    stages: Stages


def run(work: Path, timing: Timing, stage_seconds: float) -> Own:
    """Measure everything, with the folder `work` to write to."""
    need(["nginx", "wrk", "taskset"])
    catalogue = Catalogue()
    workloads = CONNECTION.workloads(catalogue)
    with upstream(work / "upstream", catalogue.files(), catalogue.searches()) as source:
        loads = {mode.name: _loaded(mode, workloads, source, timing, work) for mode in OWN_MODES}
        sizes = {name: round(one.bytes) for name, one in loads["warm"].items()}
        loads[CEILING] = _ceilings(sizes, workloads, source, timing, work)
        tell("stages")
        stages = measure_stages(source.url, list(workloads.values()), stage_seconds)
    edge = {name: one.cpu_us for name, one in loads[CEILING].items()}
    return Own(facts(), loads, {EDGE: edge, **stages})


def _loaded(
    mode: Mode, workloads: Mapping[str, Workload], source: Upstream, timing: Timing, work: Path
) -> dict[str, Measurement]:
    """Measure one mode; a fresh gateway each time, so that nothing was learned from another."""
    measured = {}
    for name, workload in workloads.items():
        with gateway(mode, source.url, work) as target:
            measured[name] = measure(target, source, workload, timing, work)
        tell(f"{mode.name} {name}", measured[name])
    return measured


def _ceilings(
    sizes: Mapping[str, int],
    workloads: Mapping[str, Workload],
    source: Upstream,
    timing: Timing,
    work: Path,
) -> dict[str, Measurement]:
    """Measure constant bytes of each answer's size."""
    measured = {}
    for name, workload in workloads.items():
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "bench.constant", str(port), str(sizes[name])]
        log = work / "constant.log"
        with running(command, core=SERVER_CORE, log=log, ready=url) as program:
            measured[name] = timed(Target(url, program), source, workload, timing, work)
        tell(f"{CEILING} {name}", measured[name])
    return measured
