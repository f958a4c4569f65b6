"""What measurements say in words and tables."""

import pytest

from bench import report
from bench.facts import Facts, command
from bench.gateway import OWN_MODES
from bench.growth import WAYS, Growth
from bench.measuring import Measurement
from bench.own import CEILING, Own
from bench.rivals import Rivals
from bench.soak import Soak
from bench.stages import COLD
from bench.staleness import Phase, Sample, Staleness
from bench.tables import figure, table
from bench.wrk import Load

FACTS = Facts(
    date="2025-01-02 03:04 UTC",
    command="python -m bench own",
    processor="A processor",
    system="Linux",
    versions={"python": "3.11.0", "nginx": "1.2.3"},
)


def measurement(
    rps: float, *, noise: float = 0, right: bool = True, failures: int = 0
) -> Measurement:
    """Return a measurement of `rps` requests per second on a full core."""
    return Measurement(
        rps=rps,
        cpu_us=1e6 / rps if rps else 0,
        p50_ms=1,
        p99_ms=2,
        peak_mb=60,
        calls=1,
        bytes=700,
        failures=failures,
        noise=noise,
        right=right,
    )


def own() -> Own:
    """Return results of the gateway itself."""
    loads = {mode.name: {"W1": measurement(4_000)} for mode in OWN_MODES}
    return Own(FACTS, {**loads, CEILING: {"W1": measurement(5_000)}}, {COLD: {"W1": 250.0}})


def rivals() -> Rivals:
    """Return results of two gateways and a failure."""
    cells = {
        "slow/off": {"W1": [measurement(10), measurement(30), measurement(20)]},
        "stuck/off": {"W1": [measurement(0)]},
        "fast/off": {"W1": [measurement(900, noise=0.5)]},
    }
    return Rivals(FACTS, cells, {"broken/off": "A program did not start."})


def growth() -> Growth:
    """Return results of how cost grows."""
    curves = {way: {1: 10.0, 1_000: 2_000.0} for way in WAYS}
    return Growth(FACTS, curves, curves)


def soak(megabytes: list[float]) -> Soak:
    """Return results of a soak with these samples, one a second."""
    load = Load(requests=1_234, seconds=60, bytes=1, p50=1, p99=2, failures=0)
    return Soak(FACTS, load, [(float(second), mb) for second, mb in enumerate(megabytes)])


def staleness() -> Staleness:
    """Return results of a hundred writes, the last of which took a second to be shown."""
    samples = [Sample(at=float(number), shown_ms=float(number)) for number in range(1, 100)]
    phase = Phase(10, 500, 7, 12.3, 100, [*samples, Sample(at=100, shown_ms=1000)])
    return Staleness(FACTS, {"some clients": phase})


def rows(text: str, first: str) -> list[list[str]]:
    """Return the cells of the rows that begin with a word."""
    lines = [line for line in text.splitlines() if line.startswith(f"| {first}")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_table_sets_figures_to_the_right_of_words() -> None:
    """A table has a head, a line that aligns its columns, and its rows."""
    assert table(["who", "how much"], [["we", "1"]]) == (
        "| who | how much |\n| --- | --: |\n| we | 1 |\n"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (0, "0"),
        (0.01234, "0.0123"),
        (9.876, "9.88"),
        (98.76, "98.8"),
        (12345.6, "12,346"),
    ],
)
def test_a_figure_has_three_digits_that_count(value: float | None, shown: str) -> None:
    """Small and large numbers are shown with about the same precision."""
    assert figure(value) == shown


def test_a_mode_is_compared_with_the_ceiling() -> None:
    """The share of the ceiling is that of the CPU time which constant bytes would cost."""
    [warm] = rows(report.own_report(own()), "W1 warm |")
    assert warm[1:3] == ["4,000", "250"]
    assert warm[-1] == "80%"


def test_stages_are_listed_by_workload() -> None:
    """Each stage has its microseconds in the workload's column."""
    assert rows(report.own_report(own()), "a cold POST") == [
        ["a cold POST in all, without HTTP", "250"]
    ]


def test_rounds_become_medians_and_the_fastest_comes_first() -> None:
    """A gateway is ranked by the median of its rounds; one without an answer is last."""
    ranked = report.ranking(rivals().cells, "W1")
    assert [(key, one.rps) for key, one in ranked] == [
        ("fast/off", 900),
        ("slow/off", 20),
        ("stuck/off", 0),
    ]


def test_what_a_busy_machine_measured_is_marked() -> None:
    """A figure has a star, and the star a reason, when other programs used the cores."""
    text = report.rivals_report(rivals())
    assert rows(text, "fast/off")[0][1] == r"900 \* (1,111)"
    assert rows(text, "slow/off")[0][1] == "20.0 (50,000)"
    assert r"\* Other programs used 0.2 cores" in text


def test_without_an_answer_there_are_no_times() -> None:
    """A gateway that answered nothing shows a zero, and no times that would look good."""
    stuck = rows(report.rivals_report(rivals()), "stuck/off")
    assert stuck[0][1] == "0"
    assert stuck[1][1:] == ["0", "", "", "", "60.0", ""]


def test_wrong_answers_after_a_run_are_told() -> None:
    """A gateway that answers wrongly once it was under load is not shown as if it had not."""
    cells = {"liar/off": {"W1": [measurement(5, right=False), measurement(5, failures=3)]}}
    text = report.rivals_report(Rivals(FACTS, cells, {}))
    assert rows(text, "liar/off")[0][1] == "5.00 (200,000, then wrong answers, 3 failed)"


def test_who_could_not_be_measured_is_named() -> None:
    """A gateway that did not start is listed in the report with the reason."""
    assert "Not measured: broken/off: A program did not start." in report.rivals_report(rivals())


def test_growth_has_a_row_for_each_size() -> None:
    """Each size shows the microseconds of each way to answer."""
    assert rows(report.growth_report(growth()), "1,000") == [["1,000", *["2,000"] * 3]] * 2


def test_staleness_is_told_by_its_percentiles_and_its_worst() -> None:
    """One slow write in a hundred is the worst, and not the usual."""
    [shown] = rows(report.staleness_report(staleness()), "some clients")
    assert shown[1:] == ["100", "50.0", "51.0", "96.0", "1,000", "1,000", "7", "12.3"]


def test_a_report_says_when_and_how_it_was_made() -> None:
    """Every report names its date, versions, processor and command."""
    for text in (report.own_report(own()), report.soak_report(soak([1.0] * 60))):
        for part in ("2025-01-02 03:04 UTC", "nginx 1.2.3", "A processor", "`python -m bench own`"):
            assert part in text


def test_memory_that_settles_is_flat() -> None:
    """What was filled in the first half does not count against the second."""
    text = report.soak_report(soak([50.0 + min(second, 100) for second in range(600)]))
    assert "+0.0 MB per hour. Memory is flat." in text


def test_memory_that_goes_on_growing_is_not_flat() -> None:
    """A leak of 36 MB an hour is found in ten minutes."""
    text = report.soak_report(soak([50.0 + second / 100 for second in range(600)]))
    assert "+36.0 MB per hour. Memory is NOT flat." in text


def test_folders_are_left_out_of_the_command() -> None:
    """The command in a report holds no path of the machine it was made on."""
    told = command(["rivals", "--work", "/home/me", "--rounds", "2"])
    assert told == "python -m bench rivals --work DIR --rounds 2"
