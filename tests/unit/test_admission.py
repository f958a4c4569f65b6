"""How many operations are taken on while the event loop is late; its time is the test's."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import pytest

from group_gateway.web.admission import Admission
from group_gateway.web.wire import RequestRefused

MOST = 500
IDLE, BUSY, FAR_TOO_LONG = 0.01, 0.015, 0.25
"""Seconds of a turn of the loop; a timer is due after 0.01."""


class StillLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is what the test says."""

    now = 1000.0

    def time(self) -> float:
        """Give the time in seconds."""
        return self.now


class Busy:
    """A process with so many operations under way."""

    def __init__(self, loop: StillLoop, operations: int) -> None:
        self.loop = loop
        self.admission = Admission(MOST)
        self.held = ExitStack()
        for _ in range(operations):
            self.held.enter_context(self.admission)

    async def turns(self, seconds: float, count: int) -> None:
        """Let the loop turn, each time after so many seconds."""
        for _ in range(count):
            self.loop.now += seconds
            for _ in range(3):
                await asyncio.sleep(0)

    def room(self) -> int:
        """Give how many there may be at once, when those under way have ended."""
        self.held.close()
        with ExitStack() as taken:
            for number in range(MOST):
                try:
                    taken.enter_context(self.admission)
                except RequestRefused:
                    return number
        return MOST


def judged(operations: int, case: Callable[[Busy], Awaitable[None]]) -> int:
    """Give how many operations find room after what happens in a case."""
    with asyncio.Runner(loop_factory=StillLoop) as runner:

        async def run() -> int:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, StillLoop)
            busy = Busy(loop, operations)
            await case(busy)
            return busy.room()

        return runner.run(run())


def test_an_idle_loop_takes_all() -> None:
    """What the setting says, however many there were before."""
    assert judged(400, lambda busy: busy.turns(IDLE, 200)) == MOST


@pytest.mark.parametrize("turns", [1, 5])
def test_a_burst_is_no_overload(turns: int) -> None:
    """However long the first turns take, 128 and more find room."""
    assert 128 <= judged(300, lambda busy: busy.turns(FAR_TOO_LONG, turns)) < MOST


@pytest.mark.parametrize("turn", [BUSY, FAR_TOO_LONG])
def test_a_loop_with_idle_moments_is_not_overloaded(turn: float) -> None:
    """One turn that takes long for each two that the loop waits costs no more than the bursts."""

    async def case(busy: Busy) -> None:
        for _ in range(100):
            await busy.turns(turn, 1)
            await busy.turns(IDLE, 2)

    assert judged(300, case) >= 128


@pytest.mark.parametrize("turn", [BUSY, FAR_TOO_LONG])
def test_a_load_that_stays_leaves_room_for_few(turn: float) -> None:
    """When the loop is never idle there is room for 8 and no fewer, however short its turns are."""
    assert judged(300, lambda busy: busy.turns(turn, 400)) == 8


def test_large_operations_one_by_one_are_no_overload() -> None:
    """What only one operation was late for leaves all the room, when the loop was idle since."""

    async def case(busy: Busy) -> None:
        busy.held.close()
        for _ in range(50):
            with busy.admission:
                await busy.turns(0.04, 1)
            await busy.turns(IDLE, 10)

    assert judged(1, case) == MOST


def test_another_burst_gives_no_room_back() -> None:
    """A bound that has fallen grows when the loop is idle, and for no other reason."""

    async def case(busy: Busy) -> None:
        await busy.turns(FAR_TOO_LONG, 40)
        await busy.turns(IDLE, 5)
        await busy.turns(FAR_TOO_LONG, 1)

    assert judged(300, case) < 12


def test_room_comes_back_with_time() -> None:
    """In some seconds after the overload all find room again."""

    async def case(busy: Busy) -> None:
        await busy.turns(FAR_TOO_LONG, 40)
        await busy.turns(IDLE, 1000)

    assert judged(300, case) == MOST
