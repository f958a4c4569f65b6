"""`python -m bench rivals`: the other gateways and ours, beside each other in one run."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from bench.catalog import SETS, Rival
from bench.facts import Facts, facts
from bench.gateway import MODES, Mode, gateway
from bench.install import install, installed_versions, need
from bench.measuring import Measurement, Target, Timing, measure
from bench.nginx import Upstream, upstream
from bench.progress import tell
from bench.resources import Catalogue
from bench.workloads import CONNECTION, Wording, Workload

OURS = "group-gateway"
Cells = dict[str, dict[str, list[Measurement]]]
"""The measurements of all rounds, by gateway and workload."""


class Rivals(msgspec.Struct, frozen=True):
    """The results. `failures` says of whom there are none, and why."""

    facts: Facts
    cells: Cells
    failures: dict[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: a set of rivals, those whose key fits `only`, workloads, how often and long."""

    rivals: str
    only: str
    workloads: tuple[str, ...]
    rounds: int
    timing: Timing


@dataclass(frozen=True, slots=True)
class _Contestant:
    """Whatever can be started and asked; ours is started afresh for each workload."""

    key: str
    wording: Wording
    workloads: tuple[str, ...]
    start: Callable[[str], AbstractContextManager[Target]]
    afresh: bool = False

    def turns(self, workloads: Iterable[str]) -> Iterator[list[str]]:
        """Yield the workloads that one start of it gets."""
        wanted = [name for name in workloads if name in self.workloads]
        yield from ([name] for name in wanted) if self.afresh else [wanted]


def run(work: Path, plan: Plan) -> Rivals:
    """Install what is missing below `work`, and measure."""
    need(["nginx", "wrk", "taskset"])
    chosen = [rival for rival in SETS[plan.rivals] if re.search(plan.only, rival.key)]
    folders = sorted({rival.folder for rival in chosen if rival.folder})
    install(work, folders)
    contestants = [*(_ours(mode, work) for mode in MODES), *(_theirs(r, work) for r in chosen)]
    contestants = [one for one in contestants if re.search(plan.only, one.key)]
    catalogue = Catalogue()
    race = _Race(catalogue, work, plan)
    with upstream(work / "upstream", catalogue.files(), catalogue.searches()) as source:
        for number in range(plan.rounds):  # interleaved, so that a drift of the machine hits all
            for contestant in contestants:
                race.turn(contestant, source, f"{number + 1}/{plan.rounds}")
    known = facts()
    versions = {**known.versions, **installed_versions(work, folders)}
    return Rivals(msgspec.structs.replace(known, versions=versions), race.cells, race.failures)


def _ours(mode: Mode, work: Path) -> _Contestant:
    start = partial(gateway, mode, folder=work)
    return _Contestant(f"{OURS}/{mode.title}", CONNECTION, _EVERY, start, afresh=True)


def _theirs(rival: Rival, work: Path) -> _Contestant:
    return _Contestant(rival.key, rival.wording, rival.workloads, partial(rival.started, work))


_EVERY = ("W1", "W2", "W3", "W4", "W5")


class _Race:
    """The measurements so far."""

    def __init__(self, catalogue: Catalogue, work: Path, plan: Plan) -> None:
        self._catalogue = catalogue
        self._work = work
        self._plan = plan
        self.cells: Cells = {}
        self.failures: dict[str, str] = {}

    def turn(self, contestant: _Contestant, source: Upstream, label: str) -> None:
        """Measure one contestant once."""
        workloads = contestant.wording.workloads(self._catalogue)
        for names in contestant.turns(self._plan.workloads):
            try:
                with contestant.start(source.url) as target:
                    for name in names:
                        self._measure(contestant, target, source, workloads[name], label)
            except (RuntimeError, OSError) as failure:  # one that fails does not end the race
                self.failures[contestant.key] = str(failure)
                tell(f"{contestant.key}: {failure}")

    def _measure(
        self,
        contestant: _Contestant,
        target: Target,
        source: Upstream,
        workload: Workload,
        label: str,
    ) -> None:
        measured = measure(target, source, workload, self._plan.timing, self._work)
        cells = self.cells.setdefault(contestant.key, {})
        cells.setdefault(workload.name, []).append(measured)
        tell(f"{label} {contestant.key} {workload.name}", measured)
