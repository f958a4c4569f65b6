"""Batching: what is asked for together goes upstream together; counted at the upstream."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Sandbox
from frontdoor import Gateway
from group_gateway.sandbox import FaultRule
from group_gateway.sandbox.wellknown import HIDDEN_TEAM_ID, TEAM_ID, TEST_GROUP_ID

IDS = "{ groups(first: 50) { nodes { id } } }"
ENTITIES = """
query ($representations: [_Any!]!) {
  _entities(representations: $representations) { ... on Group { id name } }
}
"""


@pytest.fixture
async def fifty(make_gateway: Callable[..., Any], sandbox: Sandbox) -> list[str]:
    """Return the ids of fifty groups, read through another gateway."""
    other: Gateway = await make_gateway()
    ids = [node["id"] for node in (await other.data(IDS))["groups"]["nodes"]]
    sandbox.forget_calls()
    return ids


def aliased(ids: list[str]) -> str:
    """Return an operation that asks for each group by a field of its own."""
    return (
        "{" + " ".join(f'g{i}: group(id: "{id}") {{ id name }}' for i, id in enumerate(ids)) + "}"
    )


async def test_fifty_aliases_are_one_call(
    gateway: Gateway, sandbox: Sandbox, fifty: list[str]
) -> None:
    """Fifty aliased fields become one search by an id list."""
    data = await gateway.data(aliased(fifty))
    assert [group["id"] for group in data.values()] == fifty
    assert len(sandbox.calls) == 1


async def test_fifty_entities_are_one_call(
    gateway: Gateway, sandbox: Sandbox, fifty: list[str]
) -> None:
    """Fifty representations of one request become one search by an id list."""
    representations = [{"__typename": "Group", "id": id} for id in fifty]
    data = await gateway.data(ENTITIES, representations=representations)
    assert [group["id"] for group in data["_entities"]] == fifty
    assert len(sandbox.calls) == 1


async def test_parallel_requests_of_one_caller_share_calls(
    gateway: Gateway, sandbox: Sandbox, fifty: list[str]
) -> None:
    """Twenty requests at once for twenty groups make one call."""
    answers = await asyncio.gather(*(gateway.data(aliased([id])) for id in fifty[:20]))
    assert [answer["g0"]["id"] for answer in answers] == fifty[:20]
    assert len(sandbox.calls) == 1


async def test_the_same_question_at_once_is_asked_once(gateway: Gateway, sandbox: Sandbox) -> None:
    """Twenty equal requests at the same moment make one call."""
    query = aliased([TEST_GROUP_ID])
    answers = await asyncio.gather(*(gateway.data(query) for _ in range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert len(sandbox.calls) == 1


async def test_two_callers_share_nothing(gateway: Gateway, sandbox: Sandbox) -> None:
    """Equal requests of two callers at the same time cause separate calls."""
    query = aliased([TEAM_ID])
    await asyncio.gather(gateway(query), gateway(query, token="sandbox-other"))
    assert len(sandbox.calls) == 2


async def test_without_id_lists_each_group_is_read_once(
    make_gateway: Callable[..., Any], sandbox: Sandbox, fifty: list[str]
) -> None:
    """Where the upstream refuses comma lists, one try is made, then one read for each id."""
    sandbox.use(refuse_comma_lists=True)
    gateway: Gateway = await make_gateway(cache_ttl=0.0)
    first = await gateway.data(aliased(fifty[:10]))
    assert [group["id"] for group in first.values()] == fifty[:10]
    assert len(sandbox.calls) == 11
    sandbox.forget_calls()
    await gateway.data(aliased(fifty[10:20]))
    assert len(sandbox.calls) == 10


async def test_a_list_taken_for_one_id_is_noticed(
    gateway: Gateway, sandbox: Sandbox, fifty: list[str]
) -> None:
    """Where a comma list finds nothing, because it is taken literally, the groups are found."""
    sandbox.use(comma_lists_literal=True)
    data = await gateway.data(aliased(fifty[:5]))
    assert [group["id"] for group in data.values()] == fifty[:5]


async def test_absent_forbidden_and_wrong_ids_fail_alone(gateway: Gateway) -> None:
    """In one batch an absent group is null, and only the forbidden and the malformed are errors."""
    answer = await gateway(
        aliased([TEAM_ID, "00000000-absent", HIDDEN_TEAM_ID, "../x"]), token="sandbox-other"
    )
    assert answer["data"]["g0"]["id"] == TEAM_ID
    assert [answer["data"][key] for key in ("g1", "g2", "g3")] == [None] * 3
    codes = {error["path"][0]: error["extensions"]["code"] for error in answer["errors"]}
    assert codes == {"g2": "FORBIDDEN", "g3": "BAD_USER_INPUT"}


async def test_an_outage_costs_one_call(
    gateway: Gateway, sandbox: Sandbox, fifty: list[str]
) -> None:
    """When the upstream is down, fifty ids cost one failed search, and every field says so."""
    sandbox.use(faults=(FaultRule(kind="status", status=500),))
    answer = await gateway(aliased(fifty))
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UPSTREAM_UNAVAILABLE"}
    assert len(sandbox.calls) == 1


async def test_the_budget_ends_fields_and_not_the_answer(
    make_gateway: Callable[..., Any], sandbox: Sandbox, fifty: list[str]
) -> None:
    """An operation that may make three calls gets three groups and errors for the others."""
    sandbox.use(refuse_comma_lists=True)
    gateway: Gateway = await make_gateway(upstream_calls=3)
    answer = await gateway(aliased(fifty[:5]))
    assert sum(group is not None for group in answer["data"].values()) == 3
    codes = {error["extensions"]["code"] for error in answer["errors"]}
    assert codes == {"TOO_MANY_UPSTREAM_CALLS"}
