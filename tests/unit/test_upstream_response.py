"""Upstream answers of any status and content: each has one error, and never raises on the way."""

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from group_gateway.errors import Conflict, GatewayError, Refused, UpstreamUnavailable
from group_gateway.upstream.upstream_response import (
    UpstreamResponse,
    failure_of,
    http_date,
    is_absent,
    retry_after,
)

BODIES = st.binary(max_size=30) | st.sampled_from(
    [
        b'{"resourceType":"OperationOutcome"}',
        b'{"resourceType":"OperationOutcome","issue":[{"diagnostics":"x"}]}',
    ]
)
MOMENTS = st.text(max_size=30) | st.from_regex(
    r"\A((Mon|Sun), )?\d{1,3} (Jan|Feb|Nov|Xxx) \d{1,6} \d{1,3}:\d\d:\d\d (GMT|-0000|\+\d{1,6})\Z"
)
ANSWERS = st.builds(
    UpstreamResponse,
    status=st.integers(100, 999).filter(lambda status: not 200 <= status < 300),
    headers=st.fixed_dictionaries({}, optional={"date": MOMENTS, "retry-after": MOMENTS}),
    body=BODIES,
)


@given(ANSWERS, st.booleans())
def test_every_answer_is_one_error(answer: UpstreamResponse, writing: bool) -> None:  # noqa: FBT001
    """Whatever came: there is an error for it, of which a 5xx's body is no part."""
    error = failure_of(answer, writing=writing)
    assert isinstance(error, GatewayError)
    if answer.status >= 500:
        assert isinstance(error, UpstreamUnavailable)
        assert error.issues == ()
    if isinstance(error, Refused):
        assert writing
        assert error.issues
        assert isinstance(error, Conflict) == (answer.status in {409, 412})
    assert is_absent(answer) in {True, False}


@given(ANSWERS)
def test_waiting_is_bounded(answer: UpstreamResponse) -> None:
    """`Retry-After` of any form is a time that one can wait for, or none."""
    seconds = retry_after(answer)
    assert seconds is None or 0 <= seconds <= 86_400


@pytest.fixture
def west(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run in a time zone that is hours behind UTC."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("west")
@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 -0000",
    ],
)
def test_dates_are_in_utc(text: str) -> None:
    """All three forms of an HTTP date are UTC: a precondition hours late would guard nothing."""
    http_date.cache_clear()
    assert http_date(text) == 784_111_777
