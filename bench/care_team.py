"""`python -m bench careteam`: what a care-team screen asks, ours beside Mercurius and tailcall.

W6 is a list that is searched while somebody types, another word each time, among 2,000 groups
behind an upstream that can't search; W7 the same sorted by name. W8 is a group of 1,000 members
with their names. tailcall has no way to filter, so it only runs W8.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from bench.catalog import Rival, mercurius, tailcall
from bench.facts import Facts, facts
from bench.gateway import COLD, UNSHARED, WARM, Mode, gateway
from bench.install import install, installed_versions, need
from bench.measuring import Measurement, Timing, measure
from bench.nginx import Upstream, upstream
from bench.progress import tell
from bench.resources import Resource, group, page, patient
from bench.rivals import OURS, Cells
from bench.workloads import Workload, body

GROUPS, MEMBERS, PAGE, FIRST = 2_000, 10, 100, 20
PEOPLE = 1_000
_ROUNDS = 10
"""How many spellings of each word there are, so that none is asked for twice."""
_NAMED = (
    "query Named($id: ID!) { group(id: $id) { id name member { entity { reference"
    " resource { ... on Patient { id name { family given } birthDate } } } } } }"
)
_TYPED = {
    OURS: "query Typed($word: String!) {{ groups(filter: {{ name: {{ contains: $word }} }}{sorted},"
    " first: 20) {{ nodes {{ id name }} }} }}",
    "mercurius": "query Typed($word: String!)"
    " {{ typed(word: $word, first: 20{sorted}) {{ id name }} }}",
}
_SORTED = {OURS: ", orderBy: { field: NAME }", "mercurius": ", sorted: true"}


class CareTeam(msgspec.Struct, frozen=True):
    """The results. `failures` says of whom there are none, and why."""

    facts: Facts
    cells: Cells
    failures: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Screen:
    """The resources behind the upstream."""

    groups: Sequence[Resource]
    team: Resource
    people: Sequence[Resource]

    def files(self) -> dict[str, Resource]:
        """Return what is to be served, by path."""
        pages = {
            f"search/{PAGE}-{begin}.json": page(self.groups[begin : begin + PAGE], begin, GROUPS)
            for begin in range(0, GROUPS, PAGE)
        }
        lists = {
            f"search/people-{begin}.json": page(some, 0, len(some)) for begin, some in self._lists()
        }
        reads = {
            f"{one['resourceType']}/{one['id']}.json": one for one in (self.team, *self.people)
        }
        return {**pages, **lists, **reads}

    def searches(self) -> dict[str, str]:
        """Return the file below `search` that answers a list of ids."""
        return {
            ",".join(one["id"] for one in some): f"people-{begin}" for begin, some in self._lists()
        }

    def workloads(self, who: str) -> dict[str, Workload]:
        """Return the workloads in the words of a gateway."""
        shown = {
            "id": self.team["id"],
            "name": self.team["name"],
            "member": [
                {"entity": {"reference": f"Patient/{one['id']}", "resource": _person(one)}}
                for one in self.people
            ],
        }
        bodies = (body("Named", _NAMED, {"id": self.team["id"]}),)
        found = {"W8": Workload("W8", bodies, {"group": shown})}
        if who in _TYPED:
            for name, by_name in (("W6", ""), ("W7", _SORTED[who])):
                found[name] = self._typed(name, who, _TYPED[who].format(sorted=by_name))
        return found

    def _typed(self, name: str, who: str, query: str) -> Workload:
        words = list(_words())
        fitting = [one for one in self.groups if words[0].lower() in one["name"].lower()]
        if name == "W7":
            fitting.sort(key=lambda one: (one["name"].lower(), one["id"]))
        nodes = [{"id": one["id"], "name": one["name"]} for one in fitting[:FIRST]]
        expected = {"groups": {"nodes": nodes}} if who == OURS else {"typed": nodes}
        bodies = tuple(body("Typed", query, {"word": word}) for word in words)
        warming = tuple(body("Typed", query, {"word": f" {word}"}) for word in words)
        return Workload(name, bodies, expected, warming=warming)

    def _lists(self) -> Iterator[tuple[int, Sequence[Resource]]]:
        return ((begin, self.people[begin : begin + PAGE]) for begin in range(0, PEOPLE, PAGE))


def _person(one: Resource) -> Any:
    names = [{key: name[key] for key in ("family", "given")} for name in one["name"]]
    return {"id": one["id"], "name": names, "birthDate": one["birthDate"]}


def _words() -> Iterator[str]:
    """Yield words that are in some names, each spelt once so."""
    for spelling in range(_ROUNDS):
        letters = [c.upper() if spelling >> i & 1 else c for i, c in enumerate("typed")]
        yield from (f"{''.join(letters)} {number}" for number in range(GROUPS))


def screen() -> _Screen:
    """Make the resources: the same on every run."""
    team = group("with names", PEOPLE)
    people = [patient(one["entity"]["reference"].partition("/")[2], i)
              for i, one in enumerate(team["member"])]  # fmt: skip
    groups = [group(f"typed {number}", MEMBERS) for number in range(GROUPS)]
    return _Screen(groups, team, people)


_WITH_NAMES = {"GROUP_GATEWAY_RESOLVE_MEMBERS": "upstream"}
_OURS: tuple[tuple[Mode, tuple[str, ...]], ...] = (
    (WARM, ("W6", "W7", "W8")),
    (COLD, ("W8",)),
    (UNSHARED, ("W8",)),
)
_THEIRS: tuple[tuple[Rival, tuple[str, ...]], ...] = (
    (mercurius("off"), ("W6", "W7", "W8")),
    (mercurius("kept in a resolver", KEEP="1"), ("W6", "W7")),
    (mercurius("resolver-cache", CACHE="1"), ("W8",)),
    (tailcall("off"), ("W8",)),
    (tailcall("field-cache", fields="@cache(maxAge: 60000)"), ("W8",)),
)


def run(work: Path, timing: Timing, rounds: int) -> CareTeam:
    """Install what is missing below `work`, and measure."""
    need(["nginx", "wrk", "taskset"])
    folders = ["node", "tailcall"]
    install(work, folders)
    race = _Race(screen(), work, timing)
    files, searches = race.screen.files(), race.screen.searches()
    with upstream(work / "care-team", files, searches) as source:
        for _ in range(rounds):  # interleaved, so that a drift of the machine hits all
            for mode, names in _OURS:
                named = replace(mode, settings={**mode.settings, **_WITH_NAMES})
                for name in names:
                    race.turn(
                        f"{OURS}/{mode.title}", gateway(named, source.url, work), source, [name]
                    )
            for rival, names in _THEIRS:
                race.turn(rival.key, rival.started(work, source.url), source, names)
    known = facts()
    versions = {**known.versions, **installed_versions(work, folders)}
    return CareTeam(msgspec.structs.replace(known, versions=versions), race.cells, race.failures)


class _Race:
    """The measurements so far."""

    def __init__(self, screen: _Screen, work: Path, timing: Timing) -> None:
        self.screen = screen
        self._work = work
        self._timing = timing
        self.cells: Cells = {}
        self.failures: dict[str, str] = {}

    def turn(self, key: str, program: Any, source: Upstream, names: Sequence[str]) -> None:
        """Measure one program once."""
        workloads = self.screen.workloads(key.partition("/")[0])
        try:
            with program as target:
                for name in names:
                    one = measure(target, source, workloads[name], self._timing, self._work)
                    self._keep(key, name, one)
        except (RuntimeError, OSError) as failure:  # one that fails does not end the race
            self.failures[key] = str(failure)
            tell(f"{key}: {failure}")

    def _keep(self, key: str, name: str, one: Measurement) -> None:
        self.cells.setdefault(key, {}).setdefault(name, []).append(one)
        tell(f"{key} {name}", one)
