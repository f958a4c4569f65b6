"""Stale answers while the upstream is down, where a deployment allows them."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from group_gateway.sandbox.quirks import FaultRule
from group_gateway.sandbox.wellknown import JESS_ID, TEST_GROUP_ID
from redis_server import RedisServer, redis_server

READ = "query ($id: ID!) { group(id: $id) { name } }"
LIST = "{ groups(filter: {type: PRACTITIONER}, first: 2) { nodes { name } } }"
TWO = f'{{ a: group(id: "{TEST_GROUP_ID}") {{ name }} b: group(id: "{JESS_ID}") {{ name }} }}'
UPDATE = """mutation ($id: ID!, $name: String = "New") {
    updateGroup(input: {id: $id, name: $name}) { group { name } } }"""
NOT_KEPT = {"cache_ttl": 0.02, "cache_search_ttl": 0.02, "cache_absence_ttl": 0.01}
"""Entries are past their time at once, or nearly so."""

DOWN = (
    FaultRule(kind="status", status=500),
    FaultRule(kind="status", status=503),
    FaultRule(kind="reset"),
    FaultRule(kind="hang"),
)


@pytest.fixture
def make_stale(make_gateway: Any) -> Callable[..., Any]:
    """Return a function that makes a gateway with stale answers."""

    async def make(**settings: Any) -> Any:
        stale = {"cache_stale": 600, "upstream_timeout": 1, "upstream_retries": 0}
        return await make_gateway(**NOT_KEPT, **(stale | settings))

    return make


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Yield a Redis of the test's own."""
    with redis_server(tmp_path) as server:
        yield server


async def outlive() -> None:
    """Wait until what was read is past its time."""
    await asyncio.sleep(0.03)


def codes(answer: Any) -> list[str]:
    """Return the codes of an answer's errors, which is not a stale one."""
    assert "stale" not in answer.get("extensions", {})
    return [error["extensions"]["code"] for error in answer["errors"]]


@pytest.mark.parametrize("fault", DOWN, ids=lambda fault: fault.kind)
async def test_what_was_read_before_stands_in(
    make_stale: Any, sandbox: Any, fault: FaultRule
) -> None:
    """While the upstream is down what was read before is shown, marked; afterwards what is."""
    gateway = await make_stale()
    questions: list[tuple[str, dict[str, str]]] = [(READ, {"id": TEST_GROUP_ID}), (LIST, {})]
    fresh = [await gateway(query, **variables) for query, variables in questions]
    await outlive()
    sandbox.use(faults=(fault,))
    for (query, variables), before in zip(questions, fresh, strict=True):
        for _ in range(2):  # it is not kept ready either
            answer = await gateway(query, **variables)
            assert answer["data"] == before["data"]
            assert 0 <= answer["extensions"]["stale"]["age"] < 600
    sandbox.use()
    assert [await gateway(query, **variables) for query, variables in questions] == fresh


async def test_a_shared_cache_keeps_them_too(
    make_stale: Any, sandbox: Any, redis: RedisServer
) -> None:
    """What one replica has read another shows, as soon as Redis is fast enough for both."""
    one, other = [await make_stale(cache_url=redis.url) for _ in range(2)]
    answer: Any = {}
    async with asyncio.timeout(60):
        while "stale" not in answer.get("extensions", {}):
            sandbox.use()
            await one.data(READ, id=TEST_GROUP_ID)
            await outlive()
            sandbox.use(faults=(FaultRule(kind="status"),))
            answer = await other(READ, id=TEST_GROUP_ID)
    assert answer["data"] == {"group": {"name": "Test Group"}}


async def test_redis_is_asked_for_something(make_stale: Any, redis: RedisServer) -> None:
    """Where an upstream's list leaves nothing out there is nothing to recall, and no empty call."""
    gateway = await make_stale(cache_url=redis.url)
    await gateway.data(TWO)
    async with redis.client() as client:
        assert (await client.info("commandstats"))["cmdstat_mget"]["rejected_calls"] == 0


async def test_some_of_it(make_stale: Any, sandbox: Any) -> None:
    """What was not read before is an error beside what was."""
    gateway = await make_stale()
    await gateway.data(READ, id=TEST_GROUP_ID)
    await outlive()
    sandbox.use(faults=(FaultRule(kind="status"),))
    answer = await gateway(TWO)
    assert answer["data"] == {"a": {"name": "Test Group"}, "b": None}
    assert [error["path"] for error in answer["errors"]] == [["b"]]
    assert "age" in answer["extensions"]["stale"]


async def test_not_unless_it_is_allowed(make_stale: Any, sandbox: Any) -> None:
    """By default nothing outlives its time."""
    gateway = await make_stale(cache_stale=0)
    await gateway.data(READ, id=TEST_GROUP_ID)
    await outlive()
    sandbox.use(faults=(FaultRule(kind="status"),))
    assert codes(await gateway(READ, id=TEST_GROUP_ID)) == ["UPSTREAM_UNAVAILABLE"]


async def test_not_for_ever(make_stale: Any, sandbox: Any) -> None:
    """After so many seconds past its time an entry is gone."""
    gateway = await make_stale(cache_stale=0.02)
    await gateway.data(READ, id=TEST_GROUP_ID)
    await outlive()
    await outlive()
    sandbox.use(faults=(FaultRule(kind="status"),))
    assert codes(await gateway(READ, id=TEST_GROUP_ID)) == ["UPSTREAM_UNAVAILABLE"]


async def test_not_for_another_caller(make_stale: Any, sandbox: Any) -> None:
    """What one caller has read is nothing for another."""
    gateway = await make_stale()
    await gateway.data(READ, id=TEST_GROUP_ID)
    await gateway.data(LIST)
    await outlive()
    sandbox.use(faults=(FaultRule(kind="status"),))
    for query in (READ, LIST):
        answer = await gateway(query, token="sandbox-read", id=TEST_GROUP_ID)
        assert codes(answer) == ["UPSTREAM_UNAVAILABLE"]


async def test_not_what_a_write_has_dropped(make_stale: Any, sandbox: Any) -> None:
    """After a write no earlier state is served, even if the write may have failed."""
    gateway = await make_stale()
    for name, fault in (("a", ()), ("b", (FaultRule(kind="reset", method="PUT"),))):
        sandbox.use()
        await gateway.data(READ, id=TEST_GROUP_ID)
        await gateway.data(LIST)
        await gateway.data(READ, token="sandbox-read", id=TEST_GROUP_ID)
        await outlive()
        sandbox.use(faults=fault)
        await gateway(UPDATE, id=TEST_GROUP_ID, name=name)
        sandbox.use(faults=(FaultRule(kind="status"),))
        assert codes(await gateway(READ, id=TEST_GROUP_ID)) == ["UPSTREAM_UNAVAILABLE"]
        assert codes(await gateway(LIST)) == ["UPSTREAM_UNAVAILABLE"]
        other = await gateway(READ, token="sandbox-read", id=TEST_GROUP_ID)
        assert codes(other) == ["UPSTREAM_UNAVAILABLE"]


REFUSALS = {
    "401": (FaultRule(kind="status", status=401), "UNAUTHENTICATED"),
    "403": (FaultRule(kind="status", status=403), "FORBIDDEN"),
    "404": (FaultRule(kind="status", status=404), None),
}


CREATE = """mutation ($name: String!) {
    createGroup(input: {type: PERSON, name: $name}) { group { name } } }"""


@pytest.mark.parametrize("write", [UPDATE, CREATE], ids=["update", "create"])
@pytest.mark.parametrize("status", [401, 403])
async def test_not_after_a_write_was_refused(
    make_stale: Any, sandbox: Any, write: str, status: int
) -> None:
    """A caller who is refused a write is refused: what it has read before is not shown again."""
    gateway = await make_stale()
    await gateway.data(READ, id=TEST_GROUP_ID)
    await outlive()
    methods = ("PUT", "POST")
    sandbox.use(faults=tuple(FaultRule(kind="status", status=status, method=m) for m in methods))
    assert codes(await gateway(write, id=JESS_ID, name="New"))
    sandbox.use(faults=(FaultRule(kind="status"),))
    assert codes(await gateway(READ, id=TEST_GROUP_ID)) == ["UPSTREAM_UNAVAILABLE"]


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_not_after_a_refusal(make_stale: Any, sandbox: Any, refusal: str) -> None:
    """A refusal is an error, and nothing that was read before it is ever served again."""
    fault, code = REFUSALS[refusal]
    gateway = await make_stale()
    for id in (TEST_GROUP_ID, JESS_ID):
        await gateway.data(READ, id=id)
    await gateway.data(LIST)
    await outlive()
    sandbox.use(faults=(fault,))
    answer = await gateway(READ, id=JESS_ID)
    assert answer["data"] == {"group": None}
    assert (code is None) or codes(answer) == [code]
    await outlive()
    sandbox.use(faults=(FaultRule(kind="status"),))
    for query, variables in ((READ, {"id": TEST_GROUP_ID}), (READ, {"id": JESS_ID}), (LIST, {})):
        assert codes(await gateway(query, **variables)) == ["UPSTREAM_UNAVAILABLE"]
    sandbox.use()
    await gateway.data(READ, id=TEST_GROUP_ID)
    await outlive()
    sandbox.use(faults=(FaultRule(kind="status"),))
    assert "stale" in (await gateway(READ, id=TEST_GROUP_ID))["extensions"]


async def test_not_after_it_was_left_out(make_stale: Any, sandbox: Any) -> None:
    """A group that a search by ids leaves out may be hidden now, and is not shown again."""
    gateway = await make_stale()
    query = f'{{ groups(filter: {{id: ["{TEST_GROUP_ID}", "{JESS_ID}"]}}) {{ nodes {{ id }} }} }}'
    assert len((await gateway.data(query))["groups"]["nodes"]) == 2
    await outlive()
    sandbox.use(faults=(FaultRule(kind="status", status=404, path=f"/Group/{JESS_ID}"),))
    await gateway(READ, id=JESS_ID)
    sandbox.use(faults=(FaultRule(kind="status"),))
    assert codes(await gateway(READ, id=TEST_GROUP_ID)) == ["UPSTREAM_UNAVAILABLE"]


@pytest.mark.parametrize("fault", ["html", "status"])
async def test_not_for_what_is_no_outage(make_stale: Any, sandbox: Any, fault: Any) -> None:
    """Invalid responses and a 429 are errors, not stale data."""
    gateway = await make_stale()
    await gateway.data(READ, id=TEST_GROUP_ID)
    await outlive()
    sandbox.use(faults=(FaultRule(kind=fault, status=429 if fault == "status" else 200),))
    expected = "RATE_LIMITED" if fault == "status" else "UPSTREAM_INVALID_RESPONSE"
    assert codes(await gateway(READ, id=TEST_GROUP_ID)) == [expected]


async def test_a_write_is_never_based_on_it(make_stale: Any, sandbox: Any) -> None:
    """A write reads the current state, or fails."""
    gateway = await make_stale()
    await gateway.data(READ, id=TEST_GROUP_ID)
    sandbox.use(faults=(FaultRule(kind="status", method="GET"),))
    sandbox.forget_calls()
    answer = await gateway(UPDATE, id=TEST_GROUP_ID)
    assert codes(answer) == ["UPSTREAM_UNAVAILABLE"]
    assert not [call for call in sandbox.calls if call.startswith("PUT")]
