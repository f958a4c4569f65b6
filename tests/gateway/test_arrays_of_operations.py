"""Arrays of operations in one request: off unless a setting says how many."""

from typing import Any

import pytest

from frontdoor import Gateway
from group_gateway.sandbox.wellknown import TEST_GROUP_ID

BEARER = {"authorization": "Bearer sandbox"}
READ = {"query": f'{{ group(id: "{TEST_GROUP_ID}") {{ name }} }}'}
NAMED = {"data": {"group": {"name": "Test Group"}}}


async def ask(gateway: Gateway, body: Any) -> tuple[int, Any]:
    """Send a body; return status and answer."""
    response = await gateway.http.post("/graphql", json=body, headers=BEARER)
    return response.status_code, response.json()


async def code(gateway: Gateway, body: Any) -> tuple[int, str]:
    """Send a body that is refused as a whole; return status and code."""
    status, answer = await ask(gateway, body)
    [error] = answer["errors"]
    return status, error["extensions"]["code"]


async def test_arrays_are_off(gateway: Gateway, sandbox: Any) -> None:
    """Unless a setting allows it an array is refused, and nothing goes upstream."""
    assert await code(gateway, [READ]) == (400, "BATCHING_DISABLED")
    response = await gateway.http.post(
        "/graphql", content=b"\n\t [", headers={"content-type": "application/json"}
    )
    assert response.json()["errors"][0]["extensions"]["code"] == "BATCHING_DISABLED"
    assert sandbox.calls == []


async def test_an_array_is_answered_in_its_order(make_gateway: Any, sandbox: Any) -> None:
    """Each operation has its own answer at its place, and reads of one group are one call."""
    gateway = await make_gateway(batch_operations=5)
    status, answers = await ask(gateway, [READ, {"query": "{"}, {"qeury": "x"}, READ, {"query": 1}])
    assert status == 200
    assert [answers[0], answers[3]] == [NAMED, NAMED]
    codes = [answers[n]["errors"][0]["extensions"]["code"] for n in (1, 2, 4)]
    assert codes == ["GRAPHQL_PARSE_FAILED", "BAD_REQUEST", "BAD_REQUEST"]
    assert len(sandbox.calls) == 1
    assert await ask(gateway, [READ]) == (200, [NAMED])
    assert await ask(gateway, READ) == (200, NAMED)
    assert len(sandbox.calls) == 1


@pytest.mark.parametrize("body", [[], [[READ]], [READ, [READ]]], ids=str)
async def test_an_array_that_is_none(make_gateway: Any, sandbox: Any, body: Any) -> None:
    """An array that holds nothing, or arrays, is refused as a whole."""
    gateway = await make_gateway(batch_operations=5)
    assert await code(gateway, body) == (400, "BAD_REQUEST")
    assert sandbox.calls == []


async def test_an_array_that_is_too_long(make_gateway: Any, sandbox: Any) -> None:
    """One operation more than the setting allows is refused as a whole."""
    gateway = await make_gateway(batch_operations=2)
    assert await ask(gateway, [READ] * 2) == (200, [NAMED] * 2)
    sandbox.forget_calls()
    assert await code(gateway, [READ] * 3) == (400, "BATCH_TOO_LARGE")
    assert sandbox.calls == []
