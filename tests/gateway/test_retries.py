"""Reads are tried again where that may help, within time and budget; writes never are."""

import asyncio
import time
from typing import Any

import pytest

from frontdoor import opened
from gateway.canned import Canned, Reply
from group_gateway.app import create_app
from group_gateway.config import Settings
from group_gateway.sandbox.quirks import FaultRule
from group_gateway.sandbox.wellknown import JESS_ID, TEST_GROUP_ID
from transport.peer import Connection, peer

READ = f'{{ group(id: "{TEST_GROUP_ID}") {{ id }} }}'
SEARCH = "{ groups(first: 1) { nodes { id } } }"
CREATE = 'mutation { createGroup(input: {type: PERSON, name: "x"}) { group { id } } }'
UPDATE = f"""mutation {{
    updateGroup(input: {{id: "{TEST_GROUP_ID}", name: "x"}}) {{ group {{ id }} }} }}"""


def failing(status: int, **rule: Any) -> FaultRule:
    """Return a fault: a status."""
    return FaultRule(kind="status", status=status, **rule)


def code_of(answer: Any) -> str:
    """Return the code of an answer's one error."""
    [error] = answer["errors"]
    code: str = error["extensions"]["code"]
    return code


@pytest.mark.parametrize("query", [READ, SEARCH])
@pytest.mark.parametrize(
    "fault",
    [
        failing(502, times=2),
        failing(503, times=2),
        failing(504, times=2),
        failing(503, times=2, retry_after=0),
        failing(429, times=1, retry_after=1),
        FaultRule(kind="reset", times=2),
    ],
)
async def test_a_read_outlives_a_short_failure(
    make_gateway: Any, sandbox: Any, query: str, fault: FaultRule
) -> None:
    """What fails once or twice and then works is no error for the caller."""
    sandbox.use(faults=(fault,))
    gateway = await make_gateway()
    await gateway.data(query)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (failing(500), "UPSTREAM_UNAVAILABLE"),
        (failing(501), "UPSTREAM_UNAVAILABLE"),
        (failing(503, retry_after=3), "UPSTREAM_UNAVAILABLE"),
        (failing(429), "RATE_LIMITED"),
        (failing(429, retry_after=60), "RATE_LIMITED"),
        (failing(401), "UNAUTHENTICATED"),
        (FaultRule(kind="html"), "UPSTREAM_INVALID_RESPONSE"),
        (FaultRule(kind="hang"), "UPSTREAM_TIMEOUT"),
    ],
)
async def test_what_another_try_would_not_mend(
    make_gateway: Any, sandbox: Any, fault: FaultRule, code: str
) -> None:
    """A failure that is no accident, lasts longer, or has used up its time is reported at once."""
    sandbox.use(faults=(fault,))
    gateway = await make_gateway(upstream_timeout=0.2)
    assert code_of(await gateway(READ)) == code
    assert len(sandbox.calls) == 1


@pytest.mark.parametrize(("retries", "calls"), [(0, 1), (1, 2), (4, 5)])
async def test_how_often(make_gateway: Any, sandbox: Any, retries: int, calls: int) -> None:
    """`GROUP_GATEWAY_UPSTREAM_RETRIES` says how often a read is tried again."""
    sandbox.use(faults=(failing(503),))
    gateway = await make_gateway(upstream_retries=retries)
    assert code_of(await gateway(READ)) == "UPSTREAM_UNAVAILABLE"
    assert len(sandbox.calls) == calls


async def test_retries_are_upstream_calls(make_gateway: Any, sandbox: Any) -> None:
    """A retry counts as one of the calls that an operation may cause; the failure is what is told.

    It is not the budget that was the trouble.
    """
    sandbox.use(faults=(failing(503),))
    gateway = await make_gateway(upstream_retries=10, upstream_calls=3)
    assert code_of(await gateway(READ)) == "UPSTREAM_UNAVAILABLE"
    assert len(sandbox.calls) == 3


async def test_a_pause_that_does_not_fit(make_gateway: Any, sandbox: Any) -> None:
    """A `Retry-After` that does not leave the time to try again is not waited for."""
    sandbox.use(faults=(failing(503, retry_after=2),))
    gateway = await make_gateway(deadline=2)
    assert code_of(await gateway(READ)) == "UPSTREAM_UNAVAILABLE"
    assert len(sandbox.calls) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_write_is_never_repeated(make_gateway: Any, sandbox: Any, status: int) -> None:
    """A create and an update are sent once, whatever comes back."""
    rules = [failing(status, method=method, after=True) for method in ("POST", "PUT")]
    sandbox.use(faults=tuple(rules))
    gateway = await make_gateway()
    await gateway(CREATE)
    await gateway(UPDATE)
    sent = [call.split()[0] for call in sandbox.calls if not call.startswith("GET")]
    assert sent == ["POST", "PUT"]


async def test_the_reads_of_a_write_are_tried_again(make_gateway: Any, sandbox: Any) -> None:
    """A read that a write begins with may fail for a moment."""
    sandbox.use(faults=(failing(503, method="GET", times=2),))
    gateway = await make_gateway()
    await gateway.data(UPDATE)


async def test_a_budget_for_all_retries(make_gateway: Any, sandbox: Any) -> None:
    """However many reads fail, retries stay a fraction of them."""
    sandbox.use(faults=(failing(503),))
    gateway = await make_gateway(upstream_retries=5, upstream_rest=0, cache_ttl=0)
    began = time.monotonic()
    for number in range(100):
        await gateway(f'{{ group(id: "g{number}") {{ id }} }}')
    assert 100 < len(sandbox.calls) < 140 + time.monotonic() - began  # some more on a slow machine


async def test_whose_token_a_retry_has(make_gateway: Any, sandbox: Any) -> None:
    """Two callers' reads that fail and are tried again go upstream with each one's own token."""
    gateway = await make_gateway()
    mine = f'{{ group(id: "{JESS_ID}") {{ name }} }}'
    alone = [await gateway(mine, token=token) for token in ("sandbox", "sandbox-other", "wrong")]
    for _ in range(3):
        sandbox.use(faults=(failing(503, times=3),))
        fresh = await make_gateway()
        together = await asyncio.gather(
            *(fresh(mine, token=token) for token in ("sandbox", "sandbox-other", "wrong"))
        )
        assert [_shown(answer) for answer in together] == [_shown(answer) for answer in alone]


def _shown(answer: Any) -> Any:
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    return answer["data"], codes


async def test_refused_connections() -> None:
    """A read is tried again on a new connection; a write that never left says so."""

    async def close(_: Connection) -> None:
        """Close without a word."""

    async with peer(close) as server:
        pass
    async with opened(create_app(Settings(upstream_url=server.url))) as gateway:
        [error] = (await gateway(CREATE))["errors"]
        assert error["message"].endswith("The group was not created.")
        [error] = (await gateway(UPDATE))["errors"]
        assert error["message"].endswith("The change was not made.")
        metrics = (await gateway.http.get("/metrics")).text
    assert 'group_gateway_upstream_retries_total{kind="read"} 2.0' in metrics


async def test_retries_of_one_search_are_one_question() -> None:
    """A search that is tried again asks the same."""
    upstream = Canned(GET=Reply(503))
    known = Settings(upstream_url="http://upstream.test/fhir")
    async with opened(create_app(known, transport=upstream)) as gateway:
        assert code_of(await gateway(SEARCH)) == "UPSTREAM_UNAVAILABLE"
    assert len(upstream.calls) == 3
    assert len(set(upstream.calls)) == 1
