"""`python -m bench KIND`: measure; keep table, plot, figures.

`python -m bench render` makes tables and plots of the kept figures anew. `python -m bench proxied`
counts the answers through nginx by status, and keeps nothing.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench import (
    care_team,
    growth,
    overload,
    own,
    plots,
    proxied,
    report,
    rivals,
    soak,
    staleness,
    typing_search,
)
from bench.catalog import SETS
from bench.measuring import Timing
from bench.progress import tell


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of measurement: how to make its results, and how to show them."""

    results: type[Any]
    run: Callable[[argparse.Namespace, Path], Any]
    report: Callable[[Any], str]
    draw: Callable[[Any, Path], None]


def _own(chosen: argparse.Namespace, work: Path) -> own.Own:
    return own.run(work, Timing(chosen.warm, chosen.seconds), chosen.stage_seconds)


def _growth(chosen: argparse.Namespace, work: Path) -> growth.Growth:
    return growth.run(work, chosen.seconds)


def _typing(chosen: argparse.Namespace, work: Path) -> typing_search.TypingSearch:
    return typing_search.run(work, chosen.seconds)


def _care_team(chosen: argparse.Namespace, work: Path) -> care_team.CareTeam:
    return care_team.run(work, Timing(chosen.warm, chosen.seconds), chosen.rounds)


def _rivals(chosen: argparse.Namespace, work: Path) -> rivals.Rivals:
    plan = rivals.Plan(
        rivals=chosen.set,
        only=chosen.only,
        workloads=tuple(chosen.workloads.upper().split()),
        rounds=chosen.rounds,
        timing=Timing(chosen.warm, chosen.seconds),
    )
    return rivals.run(work, plan)


def _soak(chosen: argparse.Namespace, work: Path) -> soak.Soak:
    return soak.run(work, chosen.minutes)


def _overload(chosen: argparse.Namespace, work: Path) -> overload.Overload:
    return overload.run(work, Timing(chosen.warm, chosen.seconds))


def _staleness(chosen: argparse.Namespace, work: Path) -> staleness.Staleness:
    return staleness.run(work, chosen.writes)


_KINDS = {
    "own": _Kind(own.Own, _own, report.own_report, plots.draw_own),
    "growth": _Kind(growth.Growth, _growth, report.growth_report, plots.draw_growth),
    "typing": _Kind(typing_search.TypingSearch, _typing, report.typing_report, plots.draw_typing),
    "careteam": _Kind(
        care_team.CareTeam, _care_team, report.care_team_report, plots.draw_care_team
    ),
    "rivals": _Kind(rivals.Rivals, _rivals, report.rivals_report, plots.draw_rivals),
    "soak": _Kind(soak.Soak, _soak, report.soak_report, plots.draw_soak),
    "overload": _Kind(overload.Overload, _overload, report.overload_report, plots.draw_overload),
    "staleness": _Kind(
        staleness.Staleness, _staleness, report.staleness_report, plots.draw_staleness
    ),
}


def main() -> None:
    """Run the command that was given."""
    chosen = _parser().parse_args()
    folder: Path = chosen.results
    folder.mkdir(parents=True, exist_ok=True)
    if chosen.kind == "render":
        for name in _KINDS:
            if (folder / f"{name}.json").exists():
                _render(name, folder)
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        work = (chosen.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        if chosen.kind == "proxied":
            proxied.run(work, chosen.posts, chosen.pauses)
            return
        results = _KINDS[chosen.kind].run(chosen, work)
    kept = msgspec.json.format(msgspec.json.encode(results), indent=1)
    (folder / f"{chosen.kind}.json").write_bytes(kept + b"\n")
    _render(chosen.kind, folder)


def _render(name: str, folder: Path) -> None:
    kind = _KINDS[name]
    results = msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=kind.results)
    (folder / f"{name}.md").write_text(kind.report(results))
    kind.draw(results, folder / f"{name}.svg")
    tell(f"{folder / name}.md, .svg and .json are written.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    default = Path(__file__).with_name("results")
    parser.add_argument("--results", type=Path, default=default, help="folder of the results")
    kinds = parser.add_subparsers(dest="kind", required=True)
    measuring = {name: kinds.add_parser(name) for name in (*_KINDS, "proxied")}
    for name, one in measuring.items():
        one.add_argument(
            "--work",
            type=Path,
            required=name in {"rivals", "careteam"},
            help="folder for what is installed and written, outside the repository",
        )
    _timing(measuring["own"], warm=2, seconds=4)
    measuring["own"].add_argument("--stage-seconds", type=float, default=0.7)
    measuring["growth"].add_argument("--seconds", type=float, default=2.0)
    measuring["typing"].add_argument("--seconds", type=float, default=2.0)
    _timing(measuring["careteam"], warm=1, seconds=2)
    measuring["careteam"].add_argument("--rounds", type=int, default=2)
    _timing(measuring["rivals"], warm=1, seconds=2)
    measuring["rivals"].add_argument("--rounds", type=int, default=3)
    measuring["rivals"].add_argument("--set", choices=SETS, default="core")
    measuring["rivals"].add_argument("--only", default="", help="expression over gateway/mode")
    measuring["rivals"].add_argument("--workloads", default="W1 W2 W3 W4 W5")
    measuring["soak"].add_argument("--minutes", type=float, default=10)
    _timing(measuring["overload"], warm=2, seconds=20)
    measuring["staleness"].add_argument("--writes", type=int, default=300, help="under each load")
    measuring["proxied"].add_argument("--posts", type=int, default=10_000)
    measuring["proxied"].add_argument("--pauses", type=float, nargs="+", default=proxied.PAUSES)
    kinds.add_parser("render")
    return parser


def _timing(parser: argparse.ArgumentParser, *, warm: int, seconds: int) -> None:
    parser.add_argument("--warm", type=int, default=warm, help="seconds of each warm-up")
    parser.add_argument("--seconds", type=int, default=seconds, help="seconds of each timed run")


if __name__ == "__main__":
    main()
