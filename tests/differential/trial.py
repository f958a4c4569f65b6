"""The differential test: random operations on random worlds, each asked several times of both.

A plan is made when an operation first comes, and belongs to the values of its conditions: so each
operation is asked with other values of its variables each time, and in the end once more.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from differential.arguments import Values
from differential.comparing import Answer, difference
from differential.operations import OperationWriter
from differential.worlds import TOKENS, World, opened

ASKED = 4
"""Times that each operation is asked."""
_IN_A_WORLD = 40
_IN_A_SEASON = 4
"""Operations between which nothing changes upstream, where nothing of it is kept in a cache."""
_CURSOR = re.compile(rb'[cC]ursor":"([^"\\]+)"')
_MOST_CURSORS = 50
_SHOWN = 600


@dataclass(frozen=True)
class Difference:
    """Where the two gateways answered differently."""

    what: str
    seed: str
    number: int
    request: dict[str, Any]
    plain: Answer
    fast: Answer

    def __str__(self) -> str:
        plain, fast = self.plain.body, self.fast.body
        pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(plain, fast, strict=False))
        start = max(0, sum(1 for _ in pairs) - _SHOWN // 2)
        return (
            f"{self.what} differ: seed {self.seed}, operation {self.number}\n"
            f"query: {self.request['query']}\nvariables: {self.request['variables']}\n"
            f"from byte {start}\nplain: {plain[start : start + _SHOWN]!r}\n"
            f" fast: {fast[start : start + _SHOWN]!r}\n"
            f"plain asked: {self.plain.calls}\n fast asked: {self.fast.calls}"
        )


@dataclass
class Tally:
    """What was done: operations, how often they were asked, and how that went."""

    operations: int = 0
    refused: int = 0
    asked: int = 0
    asked_soundly: int = 0
    compiled: int = 0
    compiled_soundly: int = 0
    given_up: int = 0
    with_errors: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def compiled_share(self) -> float:
        """The share of the answers over sound data that a plan gave."""
        return self.compiled_soundly / max(self.asked_soundly, 1)

    def __str__(self) -> str:
        return (
            f"{self.operations} operations asked {self.asked} times: {self.compiled} answered by"
            f" plans, {self.given_up} given up by them, {self.with_errors} with errors;"
            f" over sound data {self.compiled_soundly} of {self.asked_soundly}"
            f" ({self.compiled_share:.0%}) answered by plans;"
            f" {self.refused} more operations were not valid;"
            f" {len(self.differences)} differences"
        )


async def trial(operations: int, seed: int, *, stop_at: int = 1) -> Tally:
    """Try `operations` operations; stop at `stop_at` differences."""
    tally = Tally()
    for world in itertools.count():
        rng = Random(f"{seed}.{world}")  # noqa: S311 - test data
        async with opened(rng) as made:
            for number in range(_IN_A_WORLD):
                if tally.operations >= operations or len(tally.differences) >= stop_at:
                    return tally
                if number == 0 or (number % _IN_A_SEASON == 0 and not made.cached):
                    made.renew(rng)
                place = f"{seed}.{world}", number
                await _one(tally, made, rng, place)
    raise AssertionError  # there is always another world


async def _one(tally: Tally, world: World, rng: Random, place: tuple[str, int]) -> None:
    """Ask one operation of both gateways several times."""
    for request in random_requests(world, rng):
        token = None if rng.random() < 0.01 else rng.choice(TOKENS)
        before = world.planning.compiled, world.planning.deoptimized
        plain = await world.plain.ask(request, token=token)
        fast = await world.fast.ask(request, token=token)
        if plain.was_refused:
            tally.refused += 1
            return
        what = difference(plain, fast)
        if what is not None:
            tally.differences.append(Difference(what, *place, request, plain, fast))
            break
        _count(tally, world, plain, before)
        _keep_cursors(world.pools.cursors, plain.body)
    tally.operations += 1


def random_requests(world: World, rng: Random) -> Iterator[dict[str, Any]]:
    """Make requests of one operation: other variables each time, and in the end the last again.

    An extension keeps the gateways from giving an answer that they have ready.
    """
    values = Values(rng, world.pools)
    asked = OperationWriter(rng, world.planning.schema, values).document()
    for time in range(ASKED - 1):
        request = {
            "query": asked.text,
            "operationName": asked.name,
            "variables": asked.inputs(values, rng),
            "extensions": {"time": time},
        }
        yield request
    yield request


def _count(tally: Tally, world: World, plain: Answer, before: tuple[int, int]) -> None:
    compiled = world.planning.compiled - before[0]
    tally.asked += 1
    tally.compiled += compiled
    tally.given_up += world.planning.deoptimized - before[1]
    tally.with_errors += plain.has_errors
    if world.is_sound:
        tally.asked_soundly += 1
        tally.compiled_soundly += compiled


def _keep_cursors(cursors: list[str], body: bytes) -> None:
    found = [match.decode() for match in _CURSOR.findall(body)]
    cursors.extend(cursor for cursor in found[:5] if cursor not in cursors)
    del cursors[:-_MOST_CURSORS]
