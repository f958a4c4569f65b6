"""The gateway is true to any server: random ones with random groups, and another writer.

`python -m anyserver.run`, from `tests`, is the long form.
"""

import pytest

from anyserver.hl7 import HL7
from anyserver.trial import run

WORLDS_IN_A_PART = 75
SEED = 20261128


@pytest.mark.parametrize("part", range(4))
def test_random_servers(part: int) -> None:
    """Reads show what a plain read shows, lists are complete, and writes change what they name."""
    tally = run(WORLDS_IN_A_PART, SEED, first=part * WORLDS_IN_A_PART)
    assert not tally.faults, "\n".join(map(str, tally.faults))
    assert tally.worlds == WORLDS_IN_A_PART


def test_random_servers_through_hl7() -> None:
    """HL7's interface is as true to any server: reads, lists, counts, pages, and plain edits."""
    tally = run(WORLDS_IN_A_PART, SEED, operations=tuple(HL7))
    assert not tally.faults, "\n".join(map(str, tally.faults))
    assert tally.worlds == WORLDS_IN_A_PART
