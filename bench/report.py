"""Results in words and tables (Markdown). Pure."""

from collections.abc import Iterable
from statistics import median

from bench.care_team import CareTeam
from bench.facts import Facts
from bench.gateway import OWN_MODES
from bench.growth import Curves, Growth
from bench.measuring import Measurement
from bench.openloop import Second
from bench.overload import BEARABLE, TOO_MUCH, Overload, usual_p99
from bench.own import CEILING, Own
from bench.rivals import Cells, Rivals
from bench.soak import Soak
from bench.staleness import REPLICAS, SILENCE_MS, Phase, Staleness, percentile
from bench.tables import figure, table
from bench.typing_search import DECODING, TypingSearch

NOISY = 0.2
"""Cores that other programs used, from which on a figure is marked with a star."""


def own_report(own: Own) -> str:
    """Show the gateway itself."""
    titles = {mode.name: mode.title for mode in OWN_MODES} | {CEILING: "ceiling: constant bytes"}
    rows = []
    for workload in own.loads[CEILING]:
        ceiling = own.loads[CEILING][workload].cpu_us
        for name in filter(own.loads.__contains__, titles):
            one, title = own.loads[name][workload], titles[name]
            share = "" if name == CEILING else f"{ceiling / one.cpu_us:.0%}"
            rows.append([f"{workload} {title}", *_figures(one), share])
    stages = [
        [title, *(figure(cost) for cost in costs.values())] for title, costs in own.stages.items()
    ]
    return "\n".join(
        (
            "# The gateway itself",
            _facts(own.facts),
            "## Under load\n",
            table(["", *_COLUMNS, "share of the ceiling"], rows),
            _note(one for loads in own.loads.values() for one in loads.values()),
            "## Stage by stage: CPU microseconds, each measured alone\n",
            table(["", *own.loads[CEILING]], stages),
        )
    )


def rivals_report(rivals: Rivals) -> str:
    """Show the gateways beside each other."""
    names = sorted({name for cells in rivals.cells.values() for name in cells})
    rows = [
        [key, *(_cell(cells.get(name, [])) for name in names), figure(_peak(cells))]
        for key, cells in rivals.cells.items()
    ]
    parts = [
        "# The gateways beside each other",
        _facts(rivals.facts),
        "Requests per second on one core, medians; in brackets CPU microseconds per request.\n",
        table(["gateway/mode", *names, "peak RSS MB"], rows),
        _note(one for cells in rivals.cells.values() for runs in cells.values() for one in runs),
        *(f"Not measured: {key}: {why}\n" for key, why in rivals.failures.items()),
    ]
    for name in names:
        ranked = ranking(rivals.cells, name)
        rows = [[key, *_figures(one)] for key, one in ranked]
        parts += [f"## {name}\n", table(["gateway/mode", *_COLUMNS], rows)]
    return "\n".join(parts)


_CARE_TEAM = (
    "W6: `name: {contains}`, another word each time, among 2,000 groups of 10 members behind an"
    " upstream that can't search; W7: the same sorted by name, 20 at a time. W8: a group of 1,000"
    " members with their names, which the upstream gives by lists of 100 ids. Medians of the CPU"
    " microseconds of a request on one core; in brackets the upstream calls.\n"
)


def care_team_report(results: CareTeam) -> str:
    """Show what a care-team screen costs."""
    names = ("W6", "W7", "W8")
    cells = results.cells
    rows = [[key, *(_cost(runs.get(name, [])) for name in names)] for key, runs in cells.items()]
    parts = [
        "# A care-team screen",
        _facts(results.facts),
        _CARE_TEAM,
        table(["gateway/mode", *names], rows),
        _note(one for runs in cells.values() for some in runs.values() for one in some),
        *(f"Not measured: {key}: {why}\n" for key, why in results.failures.items()),
    ]
    for name in names:
        ranked = ranking(cells, name)
        figures = [[key, *_figures(one)] for key, one in ranked]
        parts += [f"## {name}\n", table(["gateway/mode", *_COLUMNS], figures)]
    return "\n".join(parts)


def _cost(runs: list[Measurement]) -> str:
    if not runs:
        return ""
    one = middle(runs)
    wrong = "" if one.right else ", then wrong answers"
    return f"{figure(one.cpu_us)} ({figure(one.calls)}{wrong})"


def growth_report(growth: Growth) -> str:
    """Show how cost grows."""
    return "\n".join(
        (
            "# How cost grows",
            _facts(growth.facts),
            "CPU microseconds per request, in process, of the gateway alone.\n",
            "## Members of one group\n",
            _curves("members", growth.members),
            "## Groups in one answer, of 10 members each\n",
            _curves("groups", growth.groups),
        )
    )


_TYPING = (
    "2,000 groups of 10 members behind an upstream that can't search, in process, warm, another"
    " word each time. W6: `name: {contains}`; W7: the same with `orderBy`.\n"
)


def typing_report(typing: TypingSearch) -> str:
    """Return the report on a search that changes with each typed letter."""
    rows = [
        [name, figure(value), f"{value / typing.cpu_us[DECODING]:.0%}"]
        for name, value in typing.cpu_us.items()
    ]
    return "\n".join(
        (
            "# Searching while somebody types",
            _facts(typing.facts),
            _TYPING,
            table(["", "CPU µs", "of decoding"], rows),
        )
    )


def soak_report(soak: Soak) -> str:
    """Show what became of memory."""
    load, memory = soak.load, [megabytes for _, megabytes in soak.samples]
    start, half, end = memory[0], memory[len(memory) // 2], memory[-1]
    minutes, verdict = load.seconds / 60, "flat" if soak.is_flat() else "NOT flat"
    lines = (
        "# A soak",
        _facts(soak.facts),
        f"Requests: {load.requests:,} in {minutes:.1f} minutes; wrong answers: {load.failures}.",
        f"Resident memory in MB: {start:.1f} at first, {half:.1f} at half time, {end:.1f} at last.",
        f"Slope of the second half: {soak.slope():+.1f} MB per hour. Memory is {verdict}.\n",
    )
    return "\n".join(lines)


def overload_report(overload: Overload) -> str:
    """Show what became of those who were let in, and of those who were not."""
    phases = {
        f"{BEARABLE:g} times": overload.before,
        f"{TOO_MUCH:g} times": overload.during,
        f"{BEARABLE:g} times again": overload.after,
    }
    rows = [[title, *_second_figures(seconds)] for title, seconds in phases.items()]
    before, peak, after = overload.memory
    recovery = overload.recovery()
    came_back = "was not seen to recover" if recovery is None else f"recovered in {recovery + 1} s"
    lines = (
        "# Three times what it can serve",
        _facts(overload.facts),
        (
            "Pages of 100 groups, cold, nothing shared: at most"
            f" {overload.capacity:,.0f} requests per second are served."
            " Then, at rates that do not wait for answers:\n"
        ),
        table(["load", "answered/s", "shed/s", "failed", "p50 ms", "p99 ms"], rows),
        (
            f"After the overload it {came_back}. Resident memory in MB: {before:.0f} before,"
            f" {peak:.0f} at most, {after:.0f} after.\n"
        ),
    )
    return "\n".join(lines)


def staleness_report(staleness: Staleness) -> str:
    """Show how long replicas showed what another's write had replaced."""
    columns = ("writes", "reads/s", "p50 ms", "p95 ms", "p99 ms", "most ms", "old", "oldest ms")
    rows = [[title, *_phase_figures(phase)] for title, phase in staleness.phases.items()]
    lines = (
        f"# A write through one of {REPLICAS} replicas, seen through the others",
        _facts(staleness.facts),
        table(["load", *columns], rows),
        (
            "From the write's answer until another replica's first answer with what was written,"
            " the time of that read included. `old`: reads that began after the write's answer and"
            " were shown what was before the write. `oldest`: how long after the answer the last"
            " of them began.\n"
        ),
        (
            "No replica showed anything older than it had shown before, or older than a write"
            f" through itself, or what had been replaced for longer than {SILENCE_MS:.0f} ms.\n"
        ),
    )
    return "\n".join(lines)


def _phase_figures(phase: Phase) -> list[str]:
    shown = [sample.shown_ms for sample in phase.samples]
    return [
        f"{phase.writes:,}",
        figure(phase.reads / phase.seconds),
        *(figure(percentile(shown, share)) for share in (0.5, 0.95, 0.99, 1.0)),
        f"{phase.old_reads:,}",
        figure(phase.oldest_ms),
    ]


def _second_figures(seconds: list[Second]) -> list[str]:
    length = max(len(seconds), 1)
    return [
        figure(sum(one.answered for one in seconds) / length),
        figure(sum(one.shed for one in seconds) / length),
        str(sum(one.failed for one in seconds)),
        figure(median(one.p50 for one in seconds)),
        figure(usual_p99(seconds)),
    ]


_COLUMNS = ("req/s", "CPU µs", "p50 ms", "p99 ms", "peak RSS MB", "upstream calls")


def _figures(one: Measurement) -> list[str]:
    """Return the columns of a measurement; without an answer there is only the memory."""
    star = " \\*" if one.noise >= NOISY else ""
    if not one.rps:
        return [f"0{star}", "", "", "", figure(one.peak_mb), ""]
    shown = (one.rps, one.cpu_us, one.p50_ms, one.p99_ms, one.peak_mb)
    return [figure(one.rps) + star, *map(figure, shown[1:]), f"{one.calls:.2f}"]


def _cell(runs: list[Measurement]) -> str:
    if not runs:
        return ""
    rps, cost, *_ = _figures(middle(runs))
    failed = sum(one.failures for one in runs)
    wrong = "" if all(one.right for one in runs) else ", then wrong answers"
    wrong += f", {failed} failed" if failed else ""
    return f"{rps} ({cost}{wrong})" if cost else f"{rps}{wrong}"


def _peak(cells: dict[str, list[Measurement]]) -> float:
    return max(one.peak_mb for runs in cells.values() for one in runs)


def middle(runs: list[Measurement]) -> Measurement:
    """Return the medians of some runs."""
    return Measurement(
        rps=median(one.rps for one in runs),
        cpu_us=median(one.cpu_us for one in runs),
        p50_ms=median(one.p50_ms for one in runs),
        p99_ms=median(one.p99_ms for one in runs),
        peak_mb=max(one.peak_mb for one in runs),
        calls=median(one.calls for one in runs),
        bytes=median(one.bytes for one in runs),
        failures=sum(one.failures for one in runs),
        noise=median(one.noise for one in runs),
        right=all(one.right for one in runs),
    )


def ranking(cells: Cells, workload: str) -> list[tuple[str, Measurement]]:
    """Return the medians of those who ran a workload, the most requests per second first."""
    ran = [(key, middle(runs[workload])) for key, runs in cells.items() if workload in runs]
    return sorted(ran, key=lambda one: -one[1].rps)


def _curves(unit: str, curves: Curves) -> str:
    sizes = next(iter(curves.values()))
    rows = [[f"{size:,}", *(figure(curve[size]) for curve in curves.values())] for size in sizes]
    return table([unit, *curves], rows)


def _note(measurements: Iterable[Measurement]) -> str:
    if not any(one.noise >= NOISY for one in measurements):
        return ""
    return f"\\* Other programs used {NOISY} cores and more meanwhile.\n"


def _facts(known: Facts) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in known.versions.items())
    return (
        f"\n{known.date}, {known.processor}, {known.system}. Measured by `{known.command}`;"
        f" `bench/README.md` says what the figures mean.\n\nVersions: {versions}.\n"
    )
