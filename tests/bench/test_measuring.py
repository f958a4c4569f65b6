"""Measurements of parts, which need no load: each is made for a moment, and finds something."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import two_faces, typing_search
from bench.nginx import upstream
from bench.resources import Catalogue
from bench.stages import COLD, EXCHANGE, measure_stages
from bench.workloads import CONNECTION

A_MOMENT = 0.0
"""Seconds of each measurement: as few samples as there may be."""


@pytest.fixture(autouse=True)
def _own_cores() -> Iterator[None]:
    """Undo the pinning of the measured process to a core after the test."""
    cores = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, cores)


def test_each_stage_of_a_request_is_measured(tmp_path: Path) -> None:
    """`own` finds what each step costs, for one group and for a list."""
    catalogue = Catalogue()
    workloads = CONNECTION.workloads(catalogue)
    with upstream(tmp_path, catalogue.files(), catalogue.searches()) as source:
        stages = measure_stages(source.url, [workloads["W1"], workloads["W2"]], A_MOMENT)
    assert {EXCHANGE, COLD} <= stages.keys()
    assert all(cost.keys() == {"W1", "W2"} for cost in stages.values())


def test_a_search_while_typing_is_measured(tmp_path: Path) -> None:
    """`typing` finds what both searches cost."""
    found = typing_search.run(tmp_path, A_MOMENT)
    assert all(found.share(workload) > 0 for workload in typing_search.QUERIES)


def test_both_interfaces_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """`two_faces` prints what a cold read costs through each interface."""
    two_faces.run(A_MOMENT)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [*two_faces.FACES]
