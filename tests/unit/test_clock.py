"""The upstream's clock is estimated, never trusted further than an answer has shown."""

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from group_gateway.groups.writing.clock import LastWrites, UpstreamClock

START = 1_800_000_000


class World:
    """Our clock and an upstream's that is `ahead`, whose answers take a while each way."""

    def __init__(self, ahead: float, lag: float = 0.0) -> None:
        self.now = 1000.0
        self.ahead = ahead
        self.lag = lag
        self.clock = UpstreamClock(lambda: self.now)

    def ask(self, there: float, back: float) -> tuple[int, float]:
        """Observe a response; return the second that had surely begun, and the upstream's time."""
        asked = self.now
        began = self.now + self.ahead
        self.now += there
        date = math.floor(self.now + self.ahead - self.lag)
        self.now += back
        self.clock.observe(date, asked)
        return self.clock.second_begun(asked, date), began


waits = st.floats(0.001, 0.4)
steps = st.lists(st.tuples(st.floats(0, 3), waits, waits), min_size=1, max_size=30)
aheads = st.floats(START, START + 10)


@given(aheads, steps, st.sampled_from([0.0, 0.3, 0.9]))
def test_a_second_that_surely_had_begun(ahead, steps, lag):
    """Whatever is said to have begun had begun when the question was asked, also with a lag."""
    world = World(ahead, lag)
    for pause, there, back in steps:
        world.now += pause
        second, began = world.ask(there, back)
        assert second <= began + 1e-6


@given(aheads, steps)
def test_the_pause_ends_in_the_next_second(ahead, steps):
    """However little is known, asking after each pause shows the next second before long."""
    world = World(ahead)
    for pause, there, back in steps:
        world.now += pause
        written, _ = world.ask(there, back)
        for _ in range(12):
            world.now += world.clock.pause_until_after(written)
            second, _ = world.ask(0.002, 0.002)
            if second > written:
                break
        assert second > written
        assert second <= written + 3


def test_little_more_than_needed_is_waited():
    """Once the clock is known, a write that comes at any time waits half a second on average."""
    chance = random.Random(1)  # noqa: S311 - no secret
    world = World(START + 0.3)
    for _ in range(20):
        world.now += chance.uniform(0, 2)
        world.ask(0.002, 0.002)
    waited = []
    for _ in range(500):
        world.now += chance.uniform(0, 3)
        written = math.floor(world.now + world.ahead)
        began = world.now
        second = written
        while second <= written:
            world.now += world.clock.pause_until_after(written)
            second, _ = world.ask(0.002, 0.002)
        waited.append(world.now - began)
    assert 0.4 < sum(waited) / len(waited) < 0.6


def test_a_clock_that_is_set():
    """When the upstream's clock jumps, the next answer counts alone."""
    world = World(START + 0.5)
    for _ in range(5):
        world.now += 0.7
        world.ask(0.002, 0.002)
    for jump in (-3600, 7200):
        world.ahead += jump
        second, began = world.ask(0.002, 0.002)
        assert began - 2 < second <= began


def test_clocks_that_drift_apart():
    """Old observations count for less: an upstream whose clock runs slow stays safe."""
    world = World(START + 0.5)
    for _ in range(2000):
        world.now += 10
        world.ahead -= 10 * 0.0004
        second, began = world.ask(0.002, 0.002)
        assert second <= began + 0.001


def test_nothing_is_waited_for_before_anything_is_known():
    """A gateway without observations of the upstream asks at once."""
    assert UpstreamClock(lambda: 0.0).pause_until_after(START) == 0.0
    assert LastWrites(UpstreamClock(lambda: 0.0)).pause("unknown") == 0.0


def test_the_last_writes_are_bounded():
    """Of many groups those written longest ago are forgotten."""
    last = LastWrites(UpstreamClock(lambda: 0.0), most=3)
    for number in range(5):
        last.note(f"{number}", START)
        last.note("0", START + number)
    assert len(last) == 3
    assert [last.second(f"{number}") for number in range(5)] == [
        START + 4,
        None,
        None,
        START,
        START,
    ]


def test_the_later_second_counts():
    """A note never goes back, and no second is no note."""
    last = LastWrites(UpstreamClock(lambda: 0.0))
    for second in (5, 7, 6, None):
        last.note("1", second)
    assert last.second("1") == 7


def test_a_note_of_another_time():
    """A write that seems to lie far ahead is one of a clock that was set back: it is forgotten."""
    world = World(START)
    last = LastWrites(world.clock)
    world.ask(0.002, 0.002)
    last.note("1", START + 5000)
    assert last.pause("1") == 0.0
    assert last.second("1") is None
