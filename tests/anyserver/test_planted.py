"""The fuzzer of servers finds bugs: fixes taken out of copies of the package, each by itself."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from anyserver.bugs import BUGS
from anyserver.plant import RUN
from differential.bugs import Bug
from differential.plant import Finding, hunt

MOST_WORLDS = 600
SEED = 1


@pytest.fixture(scope="module")
def findings() -> Iterator[Callable[[Bug], Finding]]:
    """Hunt all bugs, as many at a time as there are processors, and give what came of one."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        hunts: dict[Bug, Future[Finding]] = {
            bug: pool.submit(hunt, bug, operations=MOST_WORLDS, seed=SEED, run_by=RUN)
            for bug in BUGS
        }
        yield lambda bug: hunts[bug].result()
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug, findings: Callable[[Bug], Finding]) -> None:
    """Something is wrong on some server as soon as the gateway has this bug."""
    finding = findings(bug)
    assert finding.what is not None, str(finding)
