"""Compiled plans against graphql-core: no answer may show which of them gave it.

The long form is `python -m differential.run`, from `tests`.
"""

import pytest

from differential.trial import trial

OPERATIONS = 1500
SEED = 1


@pytest.mark.no_cover  # thrice as fast, and others cover what it runs
async def test_plans_answer_as_graphql_core_does():
    """Random operations over sound and broken data get the same bytes, errors and upstream calls.

    More than 40 of 100 answers over sound data must be a plan's, or this would prove nothing.
    """
    tally = await trial(OPERATIONS, SEED)
    assert not tally.differences, str(tally.differences[0])
    assert tally.compiled_share > 0.4, str(tally)
