"""The fuzzer of servers finds bugs: fixes taken out of copies of the package, each by itself.

These are the ones that tens of servers find; `python -m anyserver.plant` hunts all.
"""

import pytest

from anyserver.bugs import BUGS
from anyserver.plant import RUN
from differential.bugs import Bug
from differential.plant import hunt

MOST_WORLDS = 600
SOON_FOUND = [bug for bug in BUGS if not bug.is_rare]
SEED = 1


@pytest.mark.parametrize("bug", SOON_FOUND, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug) -> None:
    """Something is wrong on some server as soon as the gateway has this bug."""
    finding = hunt(bug, operations=MOST_WORLDS, seed=SEED, run_by=RUN)
    assert finding.what is not None, str(finding)
