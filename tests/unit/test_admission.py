"""How many operations are taken on while the event loop is late; its time is the test's."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import pytest

from group_gateway.web.admission import Admission
from group_gateway.web.wire import RequestRefused

MOST = 500
ON_TIME, LATE, FAR_TOO_LATE = 0.05, 0.09, 0.25
"""Seconds of a turn of the loop; a timer is due after 0.05."""


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


def test_a_loop_on_time_takes_all() -> None:
    """What the setting says, however many there were before."""
    assert judged(400, lambda busy: busy.turns(ON_TIME, 40)) == MOST


@pytest.mark.parametrize("turns", [1, 3])
def test_a_burst_is_no_overload(turns: int) -> None:
    """While the loop has been late for less than a second, 128 and more find room."""
    assert judged(300, lambda busy: busy.turns(FAR_TOO_LATE, turns)) >= 128


def test_now_and_then_is_no_overload() -> None:
    """One turn that takes long among others on time costs nothing."""

    async def case(busy: Busy) -> None:
        for _ in range(30):
            await busy.turns(LATE, 1)
            await busy.turns(ON_TIME, 1)

    assert judged(300, case) == MOST


def test_a_load_that_stays_leaves_room_for_few() -> None:
    """When it has been late for more than a second there is room for 16, and no fewer."""
    assert judged(300, lambda busy: busy.turns(FAR_TOO_LATE, 40)) == 16


def test_a_load_that_stays_is_found_by_small_delays_too() -> None:
    """Timers that are late by little, one after the other, are enough."""
    assert judged(300, lambda busy: busy.turns(LATE, 60)) == 16


def test_a_second_burst_gives_no_room_back() -> None:
    """A bound that has fallen grows when timers are on time, and for no other reason."""

    async def case(busy: Busy) -> None:
        await busy.turns(FAR_TOO_LATE, 40)
        await busy.turns(ON_TIME, 1)
        await busy.turns(FAR_TOO_LATE, 1)

    assert judged(300, case) < 20


def test_room_comes_back_with_time() -> None:
    """In some seconds after the overload all find room again."""

    async def case(busy: Busy) -> None:
        await busy.turns(FAR_TOO_LATE, 40)
        await busy.turns(ON_TIME, 150)

    assert judged(300, case) == MOST
