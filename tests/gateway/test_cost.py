"""The cost of an operation, in the response's extensions if the request asks for it."""

import asyncio
from typing import Any

from frontdoor import Gateway
from group_gateway.sandbox.wellknown import SEED_GROUP_IDS, TEST_GROUP_ID

READ = f'{{ group(id: "{TEST_GROUP_ID}") {{ name }} }}'
BEARER = {"authorization": "Bearer sandbox"}


async def cost(gateway: Gateway, query: str) -> Any:
    """Send an operation that asks for its cost, and return data and cost."""
    body = {"query": query, "extensions": {"cost": True}}
    answer = (await gateway.http.post("/graphql", json=body, headers=BEARER)).json()
    return answer["extensions"]["cost"], answer.get("data")


async def test_the_cost_is_the_upstream_calls(make_gateway: Any, sandbox: Any) -> None:
    """The calls that an operation caused, and those that it could have; none when all is cached."""
    gateway = await make_gateway(upstream_calls=7)
    data = {"group": {"name": "Test Group"}}
    assert await cost(gateway, READ) == ({"upstreamCalls": 1, "upstreamCallsAllowed": 7}, data)
    assert await cost(gateway, READ) == ({"upstreamCalls": 0, "upstreamCallsAllowed": 7}, data)
    assert len(sandbox.calls) == 1


async def test_shared_work_costs_all_who_asked(gateway: Gateway, sandbox: Any) -> None:
    """Two operations that wait for the same call both count it in their cost."""
    costs = await asyncio.gather(cost(gateway, READ), cost(gateway, READ))
    assert [each["upstreamCalls"] for each, _ in costs] == [1, 1]
    assert len(sandbox.calls) == 1


async def test_a_failure_has_its_cost(gateway: Gateway) -> None:
    """An operation that is refused cost nothing; one that used up its budget, all of it."""
    assert (await cost(gateway, "{"))[0]["upstreamCalls"] == 0
    aliases = " ".join(
        f'a{n}: groups(filter: {{patient: "{n}"}}) {{ totalCount }}' for n in range(60)
    )
    used, _ = await cost(gateway, f"{{ {aliases} }}")
    assert used == {"upstreamCalls": 50, "upstreamCallsAllowed": 50}


async def test_nobody_else_is_told(gateway: Gateway) -> None:
    """Without being asked an answer says nothing of its cost, ready or not."""
    ids = " ".join(f'"{id}"' for id in SEED_GROUP_IDS)
    query = f"{{ groups(filter: {{id: [{ids}]}}) {{ nodes {{ name }} }} }}"
    for extensions in ({}, {"cost": False}, {"cost": 1}, None):
        body = {"query": query, "extensions": extensions}
        answer = (await gateway.http.post("/graphql", json=body, headers=BEARER)).json()
        assert answer.keys() == {"data"}


async def test_a_get_may_ask_for_its_cost(gateway: Gateway) -> None:
    """By GET the wish is in the parameter `extensions`."""
    params = {"query": READ, "extensions": '{"cost": true}'}
    answer = (await gateway.http.get("/graphql", params=params, headers=BEARER)).json()
    assert answer["extensions"] == {"cost": {"upstreamCalls": 1, "upstreamCallsAllowed": 50}}
