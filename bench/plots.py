"""Results as plots (SVG). The only module that needs the extra `bench`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from bench.care_team import CareTeam
from bench.facts import Facts
from bench.gateway import OWN_MODES
from bench.growth import Curves, Growth
from bench.overload import Overload
from bench.own import CEILING, Own
from bench.report import middle, ranking
from bench.rivals import OURS, Rivals
from bench.soak import Soak
from bench.staleness import SILENCE_MS, Staleness
from bench.tables import figure as number
from bench.typing_search import DECODING, TypingSearch

mpl.rcParams.update(
    {
        "svg.fonttype": "none",  # text stays text: small, and sharp at every size
        "svg.hashsalt": "bench",  # the same results give the same file
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "grid.color": "#dddddd",
    }
)
_OURS, _OTHERS = "#0b6e4f", "#9aa5b1"
_COLOURS = ("#c8553d", "#e0a458", "#0b6e4f", "#3d5a80", "#8f5d9c", "#6b705c", "#1b263b")
_STAGED = ("W1", "W2", "W3")
_MINUTE = 60


def draw_own(own: Own, path: Path) -> None:
    """Draw the CPU time per request of each mode and workload, and of each stage."""
    figure = Figure(figsize=(9, 9), layout="constrained")
    # Subfigures, because the names of the stages would otherwise narrow the columns too.
    above, below = (part.subplots() for part in figure.subfigures(2, 1, height_ratios=(1, 2)))
    titles = {mode.name: mode.title for mode in OWN_MODES} | {CEILING: "ceiling: constant bytes"}
    costs = {
        title: {workload: one.cpu_us for workload, one in own.loads[name].items()}
        for name, title in titles.items()
        if name in own.loads
    }
    _columns(above, costs)
    above.set_title("CPU microseconds per request, under load")
    _bars(below, {name: {t: c[name] for t, c in own.stages.items()} for name in _STAGED})
    below.set_title("CPU microseconds of each stage, measured alone")
    _save(figure, own.facts, path)


def draw_rivals(rivals: Rivals, path: Path) -> None:
    """Draw the requests per second of everybody, for each workload."""
    names = sorted({name for cells in rivals.cells.values() for name in cells})
    rows = (len(names) + 1) // 2
    height = 1 + 0.24 * len(rivals.cells)
    figure = Figure(figsize=(11, rows * height), layout="constrained")
    panels = list(figure.subplots(rows, 2, squeeze=False).flat)
    for spare in panels[len(names) :]:
        spare.remove()
    for axes, name in zip(panels, names, strict=False):
        ranked = ranking(rivals.cells, name)[::-1]
        least = min((one.rps for _, one in ranked if one.rps), default=1.0) / 3
        rates = [max(one.rps, least) for _, one in ranked]  # no bar for who answered nothing
        colours = [_OURS if key.startswith(OURS) else _OTHERS for key, _ in ranked]
        bars = axes.barh([key for key, _ in ranked], rates, color=colours, log=True)
        axes.bar_label(bars, [number(one.rps) for _, one in ranked], padding=3, fontsize=8)
        axes.set_title(f"{name}: requests per second on one core")
        axes.set_xlim(least, max(rates) * 4)
        axes.grid(visible=True, axis="x")
        axes.set_axisbelow(True)
    _save(figure, rivals.facts, path)


def draw_growth(growth: Growth, path: Path) -> None:
    """Draw how the cost of an answer grows with what is in it."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _curves(left, growth.members, "members of one group")
    _curves(right, growth.groups, "groups in one answer, of 10 members each")
    left.set_ylabel("CPU microseconds per request")
    left.legend()
    _save(figure, growth.facts, path)


def draw_typing(typing: TypingSearch, path: Path) -> None:
    """Draw what a search costs beside decoding the pages anew."""
    figure = Figure(figsize=(7, 2), layout="constrained")
    axes = figure.subplots()
    names = list(typing.cpu_us)[::-1]
    values = [typing.cpu_us[name] for name in names]
    bars = axes.barh(names, values, color=[_OTHERS if n == DECODING else _OURS for n in names])
    axes.bar_label(bars, [number(value) for value in values], padding=3, fontsize=8)
    axes.set_title("CPU microseconds of a search among 2,000 groups")
    _save(figure, typing.facts, path)


def draw_care_team(results: CareTeam, path: Path) -> None:
    """Draw the CPU time per request of everybody, for each workload."""
    names = ("W6", "W7", "W8")
    figure = Figure(figsize=(8, 5), layout="constrained")
    for axes, name in zip(figure.subplots(len(names), 1), names, strict=True):
        costs = {
            key: middle(runs[name]).cpu_us for key, runs in results.cells.items() if name in runs
        }
        keys = sorted(costs, key=costs.__getitem__, reverse=True)
        colours = [_OURS if key.startswith(OURS) else _OTHERS for key in keys]
        bars = axes.barh(keys, [costs[key] for key in keys], color=colours, log=True)
        axes.bar_label(bars, [number(costs[key]) for key in keys], padding=3, fontsize=8)
        axes.set_title(f"{name}: CPU microseconds per request")
        axes.margins(x=0.2)
    _save(figure, results.facts, path)


def draw_soak(soak: Soak, path: Path) -> None:
    """Draw memory over time."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots()
    seconds, megabytes = zip(*soak.samples, strict=True)
    axes.plot([second / _MINUTE for second in seconds], megabytes, color=_OURS)
    axes.set_ylim(bottom=0)
    axes.grid(visible=True)
    axes.set_xlabel("minutes")
    axes.set_ylabel("resident memory, MB")
    axes.set_title(f"{soak.load.requests:,} requests; {soak.slope():+.1f} MB/h in the second half")
    _save(figure, soak.facts, path)


def draw_overload(overload: Overload, path: Path) -> None:
    """Draw what was answered and shed in each second, and how long answers took."""
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    seconds = [*overload.before, *overload.during, *overload.after]
    above.plot([one.answered for one in seconds], color=_OURS, label="answered")
    above.plot([one.shed for one in seconds], color=_COLOURS[0], label="shed (503)")
    above.set_title("requests per second")
    above.legend()
    below.semilogy([one.p99 for one in seconds], color=_OURS)
    below.set_title("p99 of what was answered, milliseconds")
    below.set_xlabel("seconds")
    for axes in (above, below):
        axes.grid(visible=True)
    _save(figure, overload.facts, path)


def draw_staleness(staleness: Staleness, path: Path) -> None:
    """Draw when other replicas showed each write: over time, and how often how soon."""
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    for (title, phase), colour in zip(staleness.phases.items(), _COLOURS[::2], strict=False):
        shown = [sample.shown_ms for sample in phase.samples]
        left.plot([sample.at for sample in phase.samples], shown, ".", color=colour, label=title)
        right.ecdf(shown, color=colour)
    left.axhline(SILENCE_MS, color="#555555", linestyle="--", label="the bound")
    left.set_yscale("log")
    left.set_xlabel("seconds")
    left.set_title("milliseconds until another replica showed a write")
    left.legend()
    right.set_xscale("log")
    right.xaxis.set_minor_formatter(NullFormatter())  # they would overlap
    right.set_xlabel("milliseconds")
    right.set_title("share of the replicas that showed it by then")
    for axes in (left, right):
        axes.grid(visible=True)
        axes.set_axisbelow(True)
    _save(figure, staleness.facts, path)


def _columns(axes: Axes, groups: Mapping[str, Mapping[str, float]]) -> None:
    """Draw columns side by side: one colour for each group, one place for each name."""
    width = 0.8 / len(groups)
    names = list(next(iter(groups.values())))
    for place, (title, values) in enumerate(groups.items()):
        at = [index + (place - (len(groups) - 1) / 2) * width for index in range(len(names))]
        bars = axes.bar(at, list(values.values()), width, label=title, color=_COLOURS[place])
        texts = [number(value) for value in values.values()]
        axes.bar_label(bars, texts, fontsize=7, padding=2, rotation=90)
    axes.set_yscale("log")
    axes.set_xticks(range(len(names)), names)
    axes.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.1), fontsize=8)
    axes.margins(y=0.15)


def _bars(axes: Axes, groups: Mapping[str, Mapping[str, float]]) -> None:
    """Draw the same lying, for names that are long; the first one on top."""
    width = 0.8 / len(groups)
    names = list(next(iter(groups.values())))
    for place, (title, values) in enumerate(groups.items()):
        at = [index + (place - (len(groups) - 1) / 2) * width for index in range(len(names))]
        bars = axes.barh(at, list(values.values()), width, label=title, color=_COLOURS[place])
        axes.bar_label(bars, [number(value) for value in values.values()], fontsize=7, padding=2)
    axes.set_xscale("log")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.legend(loc="lower right", fontsize=8)
    axes.margins(x=0.1)


def _curves(axes: Axes, curves: Curves, unit: str) -> None:
    for (title, curve), colour in zip(curves.items(), _COLOURS, strict=False):
        axes.loglog(list(curve), list(curve.values()), "o-", label=title, color=colour)
    axes.grid(visible=True)
    axes.set_xlabel(unit)


def _save(figure: Figure, known: Facts, path: Path) -> None:
    shown: Sequence[str] = ("group-gateway", "python", "strawberry-graphql", "graphql-core")
    versions = ", ".join(f"{name} {known.versions[name]}" for name in shown)
    figure.supxlabel(f"{known.date}, {known.processor}; {versions}", fontsize=7, color="#555555")
    figure.savefig(path, format="svg", metadata={"Date": None}, facecolor="white")
