"""How many operations are taken on while the event loop is late; its time is the test's."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import pytest

from group_gateway.http.admission import Admission
from group_gateway.http.requests import RequestRefused

MOST = 500
IDLE, BUSY, FAR_TOO_LONG = 0.01, 0.015, 0.25
"""Seconds of a turn of the loop; a timer is due after 0.01."""


class StillLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is what the test says."""

    now = 1000.0

    def time(self) -> float:
        """Return the time in seconds."""
        return self.now


class Busy:
    """A process with some operations under way, and others that ask for admission."""

    def __init__(self, loop: StillLoop, operations: int, most: int) -> None:
        self.loop = loop
        self.most = most
        self.admission = Admission(most)
        self.held = ExitStack()
        self.refused = 0
        for _ in range(operations):
            self.held.enter_context(self.admission)

    async def turns(self, seconds: float, count: int, newcomers: int = 0) -> None:
        """Run `count` turns of the loop, `seconds` apart, while newcomers ask for admission."""
        for _ in range(count):
            self.loop.now += seconds
            for _ in range(3):
                await asyncio.sleep(0)
            for _ in range(newcomers):
                self._ask()

    def _ask(self) -> None:
        if not self.admission.has_room():
            self.admission.refusal()
            self.refused += 1

    def room(self) -> int:
        """Return how many there may be at once, when those under way have ended."""
        self.held.close()
        with ExitStack() as taken:
            for number in range(self.most):
                try:
                    taken.enter_context(self.admission)
                except RequestRefused:
                    return number
        return self.most


def judged(operations: int, case: Callable[[Busy], Awaitable[None]], most: int = MOST) -> int:
    """Return how many operations find room after what happens in a case."""
    with asyncio.Runner(loop_factory=StillLoop) as runner:

        async def run() -> int:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, StillLoop)
            busy = Busy(loop, operations, most)
            await case(busy)
            return busy.room()

        return runner.run(run())


def test_an_idle_loop_takes_all() -> None:
    """What the setting says, however many there were before."""
    assert judged(400, lambda busy: busy.turns(IDLE, 200, newcomers=1)) == MOST


@pytest.mark.parametrize("turn", [BUSY, FAR_TOO_LONG])
def test_so_many_are_always_taken(turn: float) -> None:
    """However busy the loop is, 128 operations are admitted, and none beyond them."""

    async def case(busy: Busy) -> None:
        await busy.turns(turn, 400, newcomers=1)
        assert busy.refused == 0

    assert judged(127, case) == 128


def test_no_more_are_taken_while_the_loop_hangs() -> None:
    """A burst in one long turn is refused beyond the 128, before any timer runs."""

    async def case(busy: Busy) -> None:
        busy.loop.now += FAR_TOO_LONG
        assert not busy.admission.has_room()

    judged(128, case)


@pytest.mark.parametrize("turn", [BUSY, FAR_TOO_LONG])
def test_a_loop_with_idle_moments_takes_all(turn: float) -> None:
    """One turn that takes long for each two that the loop waits lowers no bound."""

    async def case(busy: Busy) -> None:
        for _ in range(100):
            await busy.turns(turn, 1, newcomers=1)
            await busy.turns(IDLE, 2, newcomers=1)

    assert judged(200, case) == MOST


@pytest.mark.parametrize("turn", [BUSY, FAR_TOO_LONG])
def test_where_more_come_than_can_be_served_room_is_for_few(turn: float) -> None:
    """When the loop is never idle and others are refused, 8 find room, however short its turns."""
    assert judged(128, lambda busy: busy.turns(turn, 400, newcomers=1)) == 8


def test_nobody_is_refused_who_needs_no_room() -> None:
    """To find no room for a question that has its answer otherwise lowers no bound."""

    async def case(busy: Busy) -> None:
        await busy.turns(BUSY, 40)
        for _ in range(100):
            assert not busy.admission.has_room()
            await busy.turns(BUSY, 1)

    assert judged(128, case) == 128


def test_no_more_than_the_setting_says() -> None:
    """A process that is to take two takes two, also under overload."""

    async def case(busy: Busy) -> None:
        busy.admission.track_connections(range(3))
        await busy.turns(BUSY, 400, newcomers=1)

    assert judged(2, case, most=2) == 2


def test_large_operations_one_by_one_are_no_overload() -> None:
    """What only the operations were late for leaves all the room, when the loop was idle since."""

    async def case(busy: Busy) -> None:
        for _ in range(50):
            with busy.admission:
                await busy.turns(0.04, 1)
            await busy.turns(IDLE, 10)
        for _ in range(200):
            busy.held.enter_context(busy.admission)

    assert judged(0, case) == MOST


def test_room_is_not_given_back_at_once() -> None:
    """After a moment without newcomers there is hardly more room than before."""

    async def case(busy: Busy) -> None:
        await busy.turns(BUSY, 400, newcomers=1)
        await busy.turns(IDLE, 5)

    assert judged(128, case) < 12


@pytest.mark.parametrize(("connections", "room"), [(1, 128), (128, 128), (129, 8), (0, 8)])
def test_few_connections_are_never_refused(connections: int, room: int) -> None:
    """So many as are always taken are under overload too, when no others are there to ask."""

    async def case(busy: Busy) -> None:
        await busy.turns(BUSY, 400, newcomers=1)
        busy.admission.track_connections(range(connections))

    assert judged(128, case) == room


@pytest.mark.parametrize("turn", [IDLE, BUSY])
def test_room_comes_back_with_time(turn: float) -> None:
    """In some seconds all find room again that the loop has time for."""

    async def case(busy: Busy) -> None:
        await busy.turns(BUSY, 400, newcomers=1)
        busy.held.close()
        with busy.admission:
            await busy.turns(turn, 1000)

    assert judged(128, case) == (MOST if turn == IDLE else 128)
