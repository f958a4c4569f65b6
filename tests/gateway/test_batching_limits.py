"""Batching where it is hard: lists that are cut, ignored or refused, absent groups, rights."""

import msgspec
import pytest

from gateway.foreign import make_group
from gateway.paging import bench
from gateway.upstream import Shelf
from group_gateway.sandbox import FaultRule
from group_gateway.sandbox.wellknown import (
    GOLD_KIDNEY_ID,
    HIDDEN_TEAM_ID,
    NESTED_GROUP_ID,
    RICH_GROUP_ID,
    TEAM_ID,
    TEST_GROUP_ID,
)

ENTITIES = """query ($of: [_Any!]!) { _entities(representations: $of) { ... on Group { id } } }"""
BY_IDS = """query ($ids: [ID!], $first: Int = 1000) {
  groups(filter: { id: $ids }, first: $first) { nodes { id } }
}"""


@pytest.fixture
def ids(sandbox):
    """Return the ids of all groups, in the upstream's order."""
    rows = sandbox.app.state.sandbox.store.connection.execute("SELECT id FROM groups ORDER BY seq")
    return [id for (id,) in rows]


def aliased(ids):
    """Return an operation that asks for each group by a field of its own."""
    fields = (f'g{i}: group(id: "{id}") {{ id }}' for i, id in enumerate(ids))
    return "{" + " ".join(fields) + "}"


def codes(answer):
    """Return the error codes by the fields that they are about."""
    return {error["path"][0]: error["extensions"]["code"] for error in answer.get("errors", [])}


@pytest.mark.parametrize(
    ("quirks", "calls"),
    [
        ({}, 1),
        ({"max_count": 7}, 8),
        ({"max_count": 7, "opaque_links": True}, 8),
        ({"max_count": 7, "no_links": True}, 8),
        ({"max_count": 7, "no_links": True, "no_total": True}, 8),
        ({"refuse_comma_lists": True}, 51),
        ({"comma_lists_literal": True}, 51),
        ({"ignore_parameters": ("_id",)}, 51),
        ({"faults": (FaultRule(kind="status", status=403, path="/Group", pattern="_id="),)}, 51),
        ({"faults": (FaultRule(kind="status", status=404, path="/Group", pattern="_id="),)}, 51),
    ],
    ids=str,
)
async def test_fifty_groups_on_any_upstream(gateway, sandbox, ids, quirks, calls):
    """All fifty come, within the budget of fifty calls, from an upstream never seen before."""
    sandbox.use(**quirks)
    data = await gateway.data(aliased(ids[100:150]))
    assert [group["id"] for group in data.values()] == ids[100:150]
    assert len(sandbox.calls) == calls


@pytest.mark.parametrize("quirk", ["refuse_comma_lists", "comma_lists_literal"])
async def test_what_was_learned_of_lists_holds_for_everybody(gateway, sandbox, ids, quirk):
    """The second fifty cost fifty reads and no other try, for another caller as well."""
    sandbox.use(**{quirk: True})
    await gateway.data(aliased(ids[:50]))
    sandbox.forget_calls()
    await gateway.data(aliased(ids[50:100]), token="sandbox-read")
    assert sorted(sandbox.calls) == sorted(f"GET /Group/{id}" for id in ids[50:100])


async def test_a_caller_who_may_not_search_spoils_it_for_nobody(gateway, sandbox, ids):
    """A 403 says nothing about lists: the next caller's groups come in one call again."""
    sandbox.use(faults=(FaultRule(kind="status", status=403, pattern="_id=", times=1),))
    await gateway.data(aliased(ids[:9]))
    sandbox.forget_calls()
    await gateway.data(aliased(ids[:9]), token="sandbox-read")
    assert len(sandbox.calls) == 1


async def test_more_ids_than_a_list_takes(make_gateway, sandbox, ids):
    """Two hundred representations are two searches of a hundred."""
    gateway = await make_gateway()
    of = [{"__typename": "Group", "id": id} for id in ids[:200]]
    data = await gateway.data(ENTITIES, of=of)
    assert [entity["id"] for entity in data["_entities"]] == ids[:200]
    assert len(sandbox.calls) == 2


async def test_all_kinds_of_fields_together_are_one_call(gateway, sandbox, ids):
    """Aliases, entities and a filter by ids of one operation share a search; no id twice."""
    of = [{"__typename": "Group", "id": id} for id in ids[:20]]
    query = (
        "query ($of: [_Any!]!, $ids: [ID!]) { _entities(representations: $of) { __typename }"
        " groups(filter: { id: $ids }) { nodes { id } } " + aliased(ids[10:30])[1:]
    )
    data = await gateway.data(query, of=of, ids=[*ids[20:40], *ids[20:40]])
    assert [node["id"] for node in data["groups"]["nodes"]] == ids[20:40]
    [call] = sandbox.calls
    assert all(call.count(id) == 1 for id in ids[:40])


async def test_groups_that_members_refer_to(gateway, sandbox):
    """A group of groups costs one call, and its members one more, all together."""
    query = """query ($id: ID!) {
      group(id: $id) { member { entity { resource { ... on Group { id } } } } }
    }"""
    data = await gateway.data(query, id=NESTED_GROUP_ID)
    resources = [member["entity"]["resource"]["id"] for member in data["group"]["member"]]
    assert resources == [TEST_GROUP_ID, GOLD_KIDNEY_ID, RICH_GROUP_ID]
    assert len(sandbox.calls) == 2


async def test_only_absent_and_hidden_groups_are_read_singly(gateway, sandbox, ids):
    """Groups that the list omits are read: only a read tells absent from hidden."""
    seen = [id for id in ids if id[0] in "02468ace"][:20]
    answer = await gateway(aliased([*seen, "absent", HIDDEN_TEAM_ID]), token="sandbox-other")
    assert codes(answer) == {"g21": "FORBIDDEN"}
    assert [group is None for group in answer["data"].values()] == [False] * 20 + [True] * 2
    assert len(sandbox.calls) == 3


async def test_a_filter_by_ids_reads_nothing_singly(gateway, sandbox, ids):
    """A search shows what the caller may see; the other ids cause no reads."""
    data = await gateway.data(BY_IDS, ids=ids[:60], token="sandbox-other")
    assert [node["id"] for node in data["groups"]["nodes"]] == [
        id for id in ids[:60] if id[0] in "02468ace"
    ]
    assert len(sandbox.calls) == 1


async def test_a_filter_and_a_field_ask_for_the_same_hidden_group(gateway, ids):
    """In one operation the filter leaves it out, and the field says that it is forbidden."""
    query = (
        "query ($ids: [ID!]) { groups(filter: { id: $ids }) { nodes { id } } "
        + (aliased([HIDDEN_TEAM_ID])[1:])
    )
    wanted = [TEAM_ID, *[id for id in ids if id[0] == "2"], HIDDEN_TEAM_ID]
    answer = await gateway(query, ids=wanted, token="sandbox-other")
    assert [node["id"] for node in answer["data"]["groups"]["nodes"]] == wanted[:-1]
    assert codes(answer) == {"g0": "FORBIDDEN"}


async def test_a_short_page_of_many_ids(gateway, sandbox, ids):
    """Of a long list only so many ids are asked for as the page needs."""
    data = await gateway.data(BY_IDS, ids=ids, first=5)
    assert [node["id"] for node in data["groups"]["nodes"]] == ids[:5]
    [call] = sandbox.calls
    assert call.count(",") == 5


async def test_a_broken_group_fails_alone():
    """An invalid group in a Bundle is an error of its field; the other groups are shown."""
    groups = {f"g{i}": msgspec.json.encode(make_group(f"g{i}")) for i in range(4)}
    shelf = Shelf({**groups, "g2": b'{"resourceType": "Group"}'})
    async with bench(shelf.app()) as it:
        answer = await it.gateway(aliased(sorted(groups)))
        assert codes(answer) == {"g2": "UPSTREAM_INVALID_RESPONSE"}
        assert [group is None for group in answer["data"].values()] == [False, False, True, False]
        assert len(it.calls) == 2


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "status", "status": 500}, "UPSTREAM_UNAVAILABLE"),
        ({"kind": "status", "status": 429}, "RATE_LIMITED"),
        ({"kind": "status", "status": 401}, "UNAUTHENTICATED"),
        ({"kind": "html"}, "UPSTREAM_INVALID_RESPONSE"),
        ({"kind": "null"}, "UPSTREAM_INVALID_RESPONSE"),
    ],
    ids=str,
)
async def test_an_upstream_that_fails_is_not_asked_again(gateway, sandbox, ids, fault, code):
    """Fifty fields that fail for one reason cost the one call that failed."""
    sandbox.use(faults=(FaultRule(**fault),))
    answer = await gateway(aliased(ids[:50]))
    assert set(codes(answer).values()) == {code}
    assert len(answer["errors"]) == 50
    assert len(sandbox.calls) == 1


async def test_an_upstream_that_fails_halfway(gateway, sandbox, ids):
    """What came before the failure stands; what did not come is an error."""
    sandbox.use(max_count=10, faults=(FaultRule(kind="status", pattern="_offset=20"),))
    answer = await gateway(aliased(ids[:50]))
    assert sum(group is not None for group in answer["data"].values()) == 20
    assert set(codes(answer).values()) == {"UPSTREAM_UNAVAILABLE"}
    assert len(sandbox.calls) == 3
