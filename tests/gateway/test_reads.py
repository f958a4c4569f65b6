"""`group(id)`: one group, no group, or an error; and ids that never reach the upstream."""

import pytest

from gateway.foreign import make_group
from gateway.paging import bench
from gateway.upstream import Shelf
from group_gateway.sandbox.wellknown import (
    GOLD_KIDNEY_ID,
    HIDDEN_TEAM_ID,
    NESTED_GROUP_ID,
    RICH_GROUP_ID,
    TEST_GROUP_ID,
)

GROUP = "query ($id: ID!) { group(id: $id) { id name type } }"
MALFORMED = (
    "",
    ".",
    "..",
    "../x",
    "..%2Fx",
    "a/b",
    "a?b",
    "a#b",
    "a b",
    "a,b",
    "a\n",
    "\na",
    "a\x00b",
    "é",
    "x" * 65,
    "$everything",
)
"""No logical ids (FHIR R4, section 2.24.0.1), or ones that would change a URL's path."""


def codes(answer):
    """Return the codes of an answer's errors."""
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


async def test_a_group(gateway, sandbox):
    """A group comes with one read."""
    data = await gateway.data(GROUP, id=TEST_GROUP_ID)
    assert data["group"] == {"id": TEST_GROUP_ID, "name": "Test Group", "type": "PERSON"}
    assert sandbox.calls == [f"GET /Group/{TEST_GROUP_ID}"]


async def test_no_such_group(gateway):
    """An unknown id is null, and no error."""
    assert await gateway.data(GROUP, id="no-such-group") == {"group": None}


async def test_a_hidden_group(gateway, sandbox):
    """Where the upstream refuses, the field is an error; where it denies, the group is null."""
    answer = await gateway(GROUP, id=HIDDEN_TEAM_ID, token="sandbox-other")
    assert (answer["data"], codes(answer)) == ({"group": None}, ["FORBIDDEN"])
    sandbox.use(hidden_as_missing=True)
    data = await gateway.data(GROUP, id=HIDDEN_TEAM_ID, token="sandbox-other")
    assert data == {"group": None}


@pytest.mark.parametrize("id", MALFORMED)
@pytest.mark.parametrize(
    "query",
    [
        GROUP,
        "query ($id: ID!) { groups(filter: { id: [$id] }) { nodes { id } } }",
        "query ($id: ID!) { groups(filter: { patient: $id }) { totalCount } }",
        "query ($id: ID!) { groups(filter: { practitioner: $id }) { nodes { id } } }",
    ],
    ids=["group", "id", "patient", "practitioner"],
)
async def test_malformed_ids_never_reach_the_upstream(gateway, sandbox, query, id):
    """What is no logical id is refused before anything is asked for."""
    answer = await gateway(query, id=id)
    assert codes(answer) == ["BAD_USER_INPUT"]
    assert not any((answer["data"] or {}).values())
    assert len(sandbox.app.state.sandbox.requests) == 0


async def test_a_malformed_id_fails_alone(gateway):
    """The other fields stand."""
    query = f'{{ bad: group(id: "../x") {{ id }} good: group(id: "{TEST_GROUP_ID}") {{ id }} }}'
    answer = await gateway(query)
    assert answer["data"] == {"bad": None, "good": {"id": TEST_GROUP_ID}}
    assert [error["path"] for error in answer["errors"]] == [["bad"]]


@pytest.mark.parametrize("id", ["a", "x" * 64, "A-1.b", "-", "...", "1.."])
async def test_odd_ids_that_are_ids(gateway, sandbox, id):
    """FHIR's pattern allows more than UUIDs."""
    assert await gateway.data(GROUP, id=id) == {"group": None}
    assert sandbox.calls == [f"GET /Group/{id}"]


async def test_an_integer_is_an_id(gateway, sandbox):
    """GraphQL takes an integer for an ID."""
    await gateway.data("{ group(id: 42) { id } }")
    assert sandbox.calls == ["GET /Group/42"]


async def test_where_references_lead(gateway, sandbox):
    """A group is resolved in full; people are stubs with their id, and cost no calls."""
    query = """query ($nested: ID!, $rich: ID!) {
      nested: group(id: $nested) { member(count: 1) { entity { resource { ...group } } } }
      rich: group(id: $rich) {
        managingEntity { resource { __typename } }
        member(count: 1) { entity { reference resource { __typename ... on Patient { id } } } }
      }
    }
    fragment group on Group { id name resourceType }"""
    data = await gateway.data(query, nested=NESTED_GROUP_ID, rich=RICH_GROUP_ID)
    [member] = data["nested"]["member"]
    assert member["entity"]["resource"] == {
        "id": TEST_GROUP_ID,
        "name": "Test Group",
        "resourceType": "Group",
    }
    [member] = data["rich"]["member"]
    stub = {"__typename": "Patient", "id": member["entity"]["reference"].partition("/")[2]}
    assert member["entity"]["resource"] == stub
    assert data["rich"]["managingEntity"]["resource"] is None
    assert len(sandbox.calls) == 2


async def test_references_to_hidden_groups(gateway):
    """A member that the caller may not see is an error at its place; the others are shown."""
    query = """query ($id: ID!) {
      group(id: $id) { member { entity { resource { ... on Group { id } } } } }
    }"""
    answer = await gateway(query, id=NESTED_GROUP_ID, token="sandbox-other")
    assert codes(answer) == ["FORBIDDEN"]
    assert answer["errors"][0]["path"] == ["group", "member", 0, "entity", "resource"]
    resources = [member["entity"]["resource"] for member in answer["data"]["group"]["member"]]
    assert resources == [None, {"id": GOLD_KIDNEY_ID}, {"id": RICH_GROUP_ID}]


@pytest.mark.parametrize(
    ("reference", "resource"),
    [
        ("Group/gone", None),
        ("http://upstream.test/Patient/7", {"__typename": "Patient", "id": "7"}),
        ("http://elsewhere.test/Patient/7", None),
        ("Patient/7/_history/2", {"__typename": "Patient", "id": "7"}),
        ("PractitionerRole/7", {"__typename": "PractitionerRole", "id": "7"}),
        ("Location/7", None),
        ("#contained", None),
        ("urn:uuid:0f0e4c52-91d7-4b0e-8a55-3c1d7e2b9f10", None),
        ("Group/..", None),
        ("Group/../../admin", None),
    ],
)
async def test_references_of_all_kinds(reference, resource):
    """Only what belongs to this upstream leads anywhere, and nothing that is no reference."""
    shelf = Shelf()
    id = shelf.put(make_group("g") | {"member": [{"entity": {"reference": reference}}]})
    query = """query ($id: ID!) {
      group(id: $id) { member { entity { resource { __typename
        ... on Patient { id } ... on PractitionerRole { id } } } } }
    }"""
    async with bench(shelf.app()) as it:
        data = await it.gateway.data(query, id=id)
    assert data["group"]["member"] == [{"entity": {"resource": resource}}]
