"""The differential test finds bugs: planted in copies of the package, each by itself.

These are the ones that a few hundred operations find; `python -m differential.plant`, from `tests`,
hunts all of `bugs.py`.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from differential.bugs import BUGS, Bug
from differential.plant import Finding, hunt

MOST_OPERATIONS = 600
SEED = 1
SOON_FOUND = [bug for bug in BUGS if not bug.is_rare]


@pytest.fixture(scope="module")
def findings():
    """Hunt all bugs in parallel, one for each processor; return a lookup of the results."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        hunts: dict[Bug, Future[Finding]] = {
            bug: pool.submit(hunt, bug, operations=MOST_OPERATIONS, seed=SEED) for bug in SOON_FOUND
        }
        yield lambda bug: hunts[bug].result()
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("bug", SOON_FOUND, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug, findings: Callable[[Bug], Finding]) -> None:
    """An answer differs from graphql-core's as soon as the compiled path has this bug."""
    finding = findings(bug)
    assert finding.what is not None, str(finding)
