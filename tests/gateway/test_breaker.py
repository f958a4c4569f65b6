"""The breaker opens when the upstream fails, and not because of one caller's broken requests."""

import asyncio
from typing import Any

from group_gateway.sandbox.quirks import FaultRule

GROUPS = [f"g{number}" for number in range(30)]


def read(id: str) -> str:
    """Return a query for a group."""
    return f'{{ group(id: "{id}") {{ id }} }}'


async def fail(gateway: Any, ids: Any = GROUPS, **how: Any) -> list[Any]:
    """Read groups, all of which fail, one after the other; return the errors."""
    errors = []
    for id in ids:
        [error] = (await gateway(read(id), **how))["errors"]
        errors.append(error)
    return errors


async def is_open(gateway: Any, kind: str) -> bool:
    """Return what the metrics say of a breaker."""
    metrics: str = (await gateway.http.get("/metrics")).text
    if f'group_gateway_upstream_breaker_open{{kind="{kind}"}} 1.0' in metrics:
        return True
    assert f'group_gateway_upstream_breaker_open{{kind="{kind}"}} 0.0' in metrics
    return False


DOWN = FaultRule(kind="status", status=500)


async def test_an_upstream_that_fails_is_left_alone(make_gateway: Any, sandbox: Any) -> None:
    """After ten reads have failed the others fail at once, and say when to try again."""
    sandbox.use(faults=(DOWN,))
    gateway = await make_gateway(upstream_rest=600)
    errors = await fail(gateway)
    assert len(sandbox.calls) == 10
    assert {error["extensions"]["code"] for error in errors} == {"UPSTREAM_UNAVAILABLE"}
    waits = [error["extensions"].get("retryAfter") for error in errors]
    assert waits[:10] == [None] * 10
    assert all(500 < wait <= 600 for wait in waits[10:])
    assert await is_open(gateway, "read")


async def test_each_kind_of_call_has_its_own(make_gateway: Any, sandbox: Any) -> None:
    """Reads that fail hold back no search and no write."""
    sandbox.use(faults=(FaultRule(kind="status", status=500, path="/Group/"),))
    gateway = await make_gateway(upstream_rest=600)
    await fail(gateway)
    await gateway.data("{ groups(first: 1) { nodes { id } } }")
    answer = await gateway(
        'mutation { createGroup(input: {type: PERSON, name: "x"}) { group { name } } }'
    )
    assert answer["data"]["createGroup"]["group"] == {"name": "x"}
    assert await is_open(gateway, "read")
    assert not await is_open(gateway, "search")
    assert not await is_open(gateway, "write")


async def test_it_closes_when_the_upstream_works_again(make_gateway: Any, sandbox: Any) -> None:
    """A probe is let through after a while; where it succeeds, all are."""
    sandbox.use(faults=(DOWN,))
    gateway = await make_gateway(upstream_rest=0.05)
    await fail(gateway)
    assert await is_open(gateway, "read")
    sandbox.use()
    async with asyncio.timeout(10):
        while "errors" in await gateway(read("g0")):  # noqa: ASYNC110 - a breaker sets no event
            await asyncio.sleep(0.01)
    assert not await is_open(gateway, "read")
    answers = await asyncio.gather(*(gateway(read(id)) for id in GROUPS[:12]))
    assert not any("errors" in answer for answer in answers)


async def test_one_probe_at_a_time(make_gateway: Any, sandbox: Any) -> None:
    """Of many requests that come when a probe is due, one goes upstream."""
    sandbox.use(faults=(DOWN,))
    gateway = await make_gateway(upstream_rest=0.05, upstream_timeout=2)
    await fail(gateway)
    sandbox.use(faults=(FaultRule(kind="hang"),))
    await asyncio.sleep(0.06)
    sandbox.forget_calls()
    await asyncio.gather(*(gateway(read(id)) for id in GROUPS[:12]))
    assert len(sandbox.calls) == 1


async def test_a_group_that_always_fails(make_gateway: Any, sandbox: Any) -> None:
    """However often a poisoned group is asked for, all the others can be had."""
    sandbox.use(faults=(FaultRule(kind="status", status=500, path="/Group/poison"),))
    gateway = await make_gateway(upstream_rest=600)
    await fail(gateway, ["poison"] * 100)
    await gateway.data(read("g1"))
    assert not await is_open(gateway, "read")
    assert len(sandbox.calls) == 101


async def test_a_caller_whose_requests_always_fail(make_gateway: Any, sandbox: Any) -> None:
    """A credential that breaks the upstream opens no breaker for other callers, first or second."""
    gateway = await make_gateway(upstream_rest=600)
    sandbox.use(faults=(DOWN,))
    await fail(gateway, token="broken")
    assert await is_open(gateway, "read")
    sandbox.use()
    await gateway.data(read("g1"), token="sandbox")
    assert not await is_open(gateway, "read")
    sandbox.use(faults=(DOWN,))
    await fail(gateway, token="broken")
    sandbox.use()
    await gateway.data(read("g2"), token="sandbox")


async def test_failures_that_are_not_the_upstreams(make_gateway: Any, sandbox: Any) -> None:
    """What the upstream refuses, limits or does not have says that it works."""
    gateway = await make_gateway(upstream_rest=600)
    for status in (400, 401, 403, 404, 429, 501):
        sandbox.use(faults=(FaultRule(kind="status", status=status),))
        await asyncio.gather(*(gateway(read(f"s{status}-{id}")) for id in GROUPS[:12]))
    assert not await is_open(gateway, "read")


async def test_a_write_that_was_held_back_was_not_made(make_gateway: Any, sandbox: Any) -> None:
    """A write that the breaker does not let through says that it was not made."""
    sandbox.use(faults=(FaultRule(kind="status", status=500, method="POST"),))
    gateway = await make_gateway(upstream_rest=600)
    create = """mutation ($name: String!) {
        createGroup(input: {type: PERSON, name: $name}) { group { id } } }"""
    answers = [await gateway(create, name=f"n{number}") for number in range(11)]
    messages = [answer["errors"][0]["message"] for answer in answers]
    assert "not known whether the group was created" in messages[9]
    assert messages[10].endswith("The group was not created.")
    assert len(sandbox.calls) == 10


async def test_switched_off(make_gateway: Any, sandbox: Any) -> None:
    """With `GROUP_GATEWAY_UPSTREAM_REST=0` every call is made."""
    sandbox.use(faults=(DOWN,))
    gateway = await make_gateway(upstream_rest=0)
    await fail(gateway)
    assert len(sandbox.calls) == len(GROUPS)
