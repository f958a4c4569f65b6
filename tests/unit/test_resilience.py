"""What a breaker and a retry budget conclude as time passes, on a clock of the test's own."""

from hypothesis import given
from hypothesis import strategies as st

from group_gateway.errors import UpstreamNotAsked, UpstreamTimeout, UpstreamUnavailable
from group_gateway.groups.watching.poller import pause_after
from group_gateway.upstream.resilience.breaker import Breaker
from group_gateway.upstream.resilience.retries import LONGEST_PAUSE, RetryBudget, pause
from group_gateway.upstream.upstream_response import UpstreamResponse


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


def call(breaker: Breaker, question: object, *, failed: bool | None, caller: str = "a") -> None:
    """Make a call that the breaker lets through."""
    assert breaker.wait(caller) == 0
    breaker.end(question, caller, probe=breaker.begin(), failed=failed)


def opened(clock: Clock) -> Breaker:
    """Return a breaker that has just opened."""
    breaker = Breaker(2, clock=clock)
    for number in range(10):
        call(breaker, number, failed=True)
    assert breaker.is_open
    return breaker


def test_old_failures_are_forgotten() -> None:
    """Failures that are spread over time open nothing."""
    clock = Clock()
    breaker = Breaker(2, clock=clock)
    for number in range(100):
        call(breaker, number, failed=True)
        clock.now += 1.2
    assert not breaker.is_open


def test_half_of_the_questions_may_fail() -> None:
    """As long as one question in two is answered the upstream is of use."""
    breaker = Breaker(2, clock=Clock())
    for number in range(2000):
        call(breaker, number, failed=number % 2 == 1)
    assert not breaker.is_open
    call(breaker, "one", failed=True)
    assert breaker.is_open


def test_a_probe_is_alone_and_in_its_time() -> None:
    """While it is open one known caller's call goes after each rest, and none beside it."""
    clock = Clock()
    breaker = opened(clock)
    assert breaker.wait("a") == 2
    clock.now += 1.5
    assert breaker.wait("a") == 1
    clock.now += 0.5
    assert breaker.wait("a") == 0
    assert breaker.begin()
    assert breaker.wait("a") > 0
    assert breaker.wait("b") > 0
    breaker.end("x", "a", probe=True, failed=True)
    assert breaker.wait("a") == 2


def test_a_probe_that_is_cancelled_makes_room() -> None:
    """A probe without an outcome leaves its place to the next."""
    clock = Clock()
    breaker = opened(clock)
    clock.now += 2
    call(breaker, "x", failed=None)
    assert breaker.is_open
    call(breaker, "y", failed=False)
    assert not breaker.is_open


def test_calls_from_before_decide_nothing() -> None:
    """A call that was under way when it opened does not close it."""
    breaker = opened(Clock())
    breaker.end("early", "a", failed=False)
    assert breaker.is_open


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 0.2)), max_size=500))
def test_retries_stay_a_fraction(steps: list[tuple[bool, float]]) -> None:
    """Retries are never more than a tenth of the calls, half of the seconds, and ten."""
    clock = Clock()
    budget = RetryBudget(clock)
    calls = retries = 0
    for wants_retry, seconds in steps:
        clock.now += seconds
        budget.note_call()
        calls += 1
        retries += wants_retry and budget.spend()
    assert retries <= 10 + calls / 10 + (clock.now - Clock.now) / 2 + 1e-6


@given(st.integers(0, 50), st.floats(0, 100), st.floats(0, 1), st.sampled_from(["", "0", "1"]))
def test_pauses_are_bounded(attempt: int, left: float, luck: float, asked: str) -> None:
    """A pause is never shorter than asked for, nor longer than half of what is left."""
    answer = UpstreamResponse(503, {"retry-after": asked}, b"")
    seconds = pause(answer, attempt, left, chance=lambda: luck)
    if seconds is not None:
        assert int(asked or 0) <= seconds <= min(left / 2, int(asked or 0) + LONGEST_PAUSE)


def test_what_is_not_tried_again() -> None:
    """A timeout had its time, and what a breaker holds back was not an answer."""
    assert pause(UpstreamUnavailable("x"), 0, 10) is not None
    assert pause(UpstreamNotAsked("x"), 0, 10) is not None
    assert pause(UpstreamNotAsked("x", retry_after=1), 0, 10) is None
    assert pause(UpstreamTimeout("x"), 0, 10) is None


@given(asked=st.floats(0, 86_400), pause=st.floats(1, 3_600))
def test_a_poll_is_never_put_off_for_longer_than_five_minutes(asked: float, pause: float) -> None:
    """An upstream may ask for a pause of a day; subscribers would hear of nothing."""
    waits = pause_after(UpstreamUnavailable("x", retry_after=asked), pause)
    assert waits >= max(pause, min(asked, 300))
    assert waits <= max(pause, 300)
    assert pause_after(UpstreamUnavailable("x"), pause) == pause
