"""`python -m bench overload`: three times what the gateway can serve, and what becomes of it.

Pages of 100 groups without a cache, each for a caller of its own, so that nothing is shared: the
dearest of the usual requests. First what it can serve, then in one go a load that it can bear,
three times of what it can serve, and the bearable load again.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from bench.facts import Facts, facts
from bench.gateway import UNSHARED, gateway
from bench.install import need
from bench.measuring import Target, Timing, measure
from bench.nginx import upstream
from bench.openloop import Second
from bench.progress import tell
from bench.resources import Catalogue
from bench.system import LOAD_CORE
from bench.workloads import CONNECTION, Workload

BEARABLE, TOO_MUCH = 0.6, 3.0
"""Shares of what it can serve."""
_CALLERS = 1000
_SLOWER = 2.0
"""A second counts as recovered when nothing is shed and p99 is at most so many times the usual."""


class Overload(msgspec.Struct, frozen=True):
    """The results: `capacity` in requests per second, the seconds of each phase, megabytes."""

    facts: Facts
    capacity: float
    before: list[Second]
    during: list[Second]
    after: list[Second]
    memory: tuple[float, float, float]
    """Resident before, at the peak, and after."""

    def recovery(self) -> int | None:
        """Return the seconds until all is as before; None when that was not seen."""
        usual = usual_p99(self.before)
        for second, one in enumerate(self.after):
            if not one.shed and not one.failed and one.p99 <= _SLOWER * usual:
                return second
        return None


def usual_p99(seconds: Sequence[Second]) -> float:
    """Return the middle of the seconds' p99, in milliseconds."""
    return median(one.p99 for one in seconds)


def run(work: Path, timing: Timing) -> Overload:
    """Find the capacity, and load the gateway beyond it, for the seconds that `timing` states."""
    need(["nginx", "wrk", "taskset"])
    catalogue = Catalogue()
    workload = CONNECTION.workloads(catalogue)["W2"]
    with (
        upstream(work / "upstream", catalogue.files(), catalogue.searches()) as source,
        gateway(UNSHARED, source.url, work) as target,
    ):
        capacity = measure(target, source, workload, Timing(timing.warm, 5), work).rps
        tell(f"It can serve {capacity:.0f} requests per second.")
        resident = target.program.memory()
        target.program.forget_peak()
        lengths = (timing.timed // 2, timing.timed, timing.timed)
        shares = (BEARABLE, TOO_MUCH, BEARABLE)
        phases = list(zip((capacity * share for share in shares), lengths, strict=True))
        seconds = _loaded(target, workload, phases, work)
        peak, after = target.program.peak_memory(), target.program.memory()
    first, second = lengths[0], lengths[0] + lengths[1]
    return Overload(
        facts(),
        capacity,
        seconds[1:first],  # the first second opens the connections
        seconds[first:second],
        seconds[second:],
        (resident, peak, after),
    )


def _loaded(
    target: Target, workload: Workload, phases: Sequence[tuple[float, int]], work: Path
) -> list[Second]:
    bodies = work / "overload.jsonl"
    bodies.write_bytes(b"\n".join(workload.bodies))
    command = [
        *("taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "bench.openloop"),
        *(target.url, str(bodies), "--callers", str(_CALLERS)),
        *(f"{rate:.1f}:{seconds}" for rate, seconds in phases),
    ]
    done = subprocess.run(command, check=True, capture_output=True)
    return [msgspec.json.decode(line, type=Second) for line in done.stdout.splitlines()]
