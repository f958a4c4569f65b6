"""Callers who ask at once: each gets its own groups, from plans as from graphql-core."""

import asyncio
import json
from random import Random

import pytest

from differential.comparing import Answer, without_own
from differential.trial import random_requests
from differential.upstream import Manners
from differential.worlds import TOKENS, opened
from frontdoor import post

OPERATIONS = 12


@pytest.mark.parametrize("seed", range(8))
async def test_callers_at_once_get_what_they_get_alone(seed):
    """Many operations of two callers, all under way at once, get the answers that each gets alone.

    The callers ask the same, and see different groups under the same ids. The upstream does all
    that it is asked for: what the gateway learns of it would show in cursors.
    """
    rng = Random(f"callers {seed}")  # noqa: S311 - test data
    async with opened(rng, Manners()) as world:
        world.renew(rng)
        requests = [
            (json.dumps(request).encode(), token)
            for _ in range(OPERATIONS)
            for request in random_requests(world, rng)
            for token in TOKENS
        ]
        fast_path = await asyncio.gather(
            *(post(world.fast.app, body, token) for body, token in requests)
        )
        for (body, token), answer in zip(requests, fast_path, strict=True):
            alone = await post(world.plain.app, body, token)
            told = [Answer(without_own(said.body), ()).told() for said in (alone, answer)]
            assert told[0] == told[1], (body, token)
        assert world.planning.compiled > len(requests) / 10
