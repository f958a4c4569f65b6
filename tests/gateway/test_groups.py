"""`groups` and its filters: which groups, in which order, for how many calls."""

import pytest

from gateway.paging import GROUPS
from group_gateway.sandbox.data.seeded_people import reference
from group_gateway.sandbox.wellknown import (
    DEVICE_GROUP_ID,
    HIDDEN_TEAM_ID,
    SEED_GROUP_IDS,
    SEED_PATIENT_ID,
    TEAM_ID,
    TEST_GROUP_ID,
    TEST_GROUP_TWIN_ID,
)

PRACTITIONER_ID = reference("Practitioner", 7).partition("/")[2]


async def found(gateway, token="sandbox", **filter):  # noqa: A002 - GraphQL's name
    """Return the ids of the groups that a filter finds."""
    edges = (await gateway.data(GROUPS, filter=filter, first=1000, token=token))["groups"]["edges"]
    return [edge["node"]["id"] for edge in edges]


async def refused(gateway, sandbox, **variables):
    """Send a query that is refused before any upstream call; return the code."""
    answer = await gateway(GROUPS, **variables)
    assert not any((answer.get("data") or {}).values())
    assert sandbox.calls == []
    [error] = answer["errors"]
    return error["extensions"]["code"]


async def test_the_default_page(gateway):
    """Without arguments the first twenty groups come, in the upstream's order."""
    groups = (await gateway.data("{ groups { nodes { id } pageInfo { hasNextPage } } }"))["groups"]
    assert tuple(node["id"] for node in groups["nodes"])[:6] == SEED_GROUP_IDS
    assert len(groups["nodes"]) == 20
    assert groups["pageInfo"]["hasNextPage"] is True


@pytest.mark.parametrize(
    "arguments", ["", "(filter: null)", "(filter: {})", "(filter: { id: null })"]
)
async def test_no_filter(gateway, arguments):
    """What is null or left out does not filter."""
    data = await gateway.data(f"{{ groups{arguments} {{ totalCount }} }}")
    assert data["groups"]["totalCount"] == 271


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"type": "PERSON"}, 250),
        ({"type": "PRACTITIONER"}, 20),
        ({"type": "DEVICE"}, 1),
        ({"type": "ANIMAL"}, 0),
        ({"patient": SEED_PATIENT_ID}, 2),
        ({"patient": SEED_PATIENT_ID, "type": "PERSON"}, 2),
        ({"patient": SEED_PATIENT_ID, "type": "PRACTITIONER"}, 0),
        ({"patient": "nobody"}, 0),
        ({"practitioner": PRACTITIONER_ID}, 2),
        ({"practitioner": PRACTITIONER_ID, "type": "PERSON"}, 0),
        ({"practitioner": SEED_PATIENT_ID}, 0),
        ({"patient": PRACTITIONER_ID}, 0),
        ({"id": []}, 0),
    ],
    ids=str,
)
async def test_filters(gateway, wanted, count):
    """Between the fields of a filter is an AND; a patient is no practitioner of the same id."""
    assert len(await found(gateway, **wanted)) == count


async def test_ids_give_the_order(gateway):
    """Groups by ids come in the order of the ids, once each; unknown ones are left out."""
    ids = [TEAM_ID, TEST_GROUP_ID, "absent", DEVICE_GROUP_ID, TEAM_ID]
    assert await found(gateway, id=ids) == [TEAM_ID, TEST_GROUP_ID, DEVICE_GROUP_ID]


async def test_ids_and_another_filter(gateway):
    """Of the groups by ids those remain that fit the rest of the filter."""
    ids = [TEAM_ID, TEST_GROUP_TWIN_ID, TEST_GROUP_ID, DEVICE_GROUP_ID]
    wanted = [TEST_GROUP_TWIN_ID, TEST_GROUP_ID]
    assert await found(gateway, id=ids, type="PERSON") == wanted
    assert await found(gateway, id=ids, patient=SEED_PATIENT_ID) == wanted
    assert await found(gateway, id=ids, patient="nobody") == []


async def test_a_single_id_is_a_list(gateway):
    """GraphQL takes one id where a list is wanted."""
    data = await gateway.data(f'{{ groups(filter: {{ id: "{TEAM_ID}" }}) {{ nodes {{ id }} }} }}')
    assert data["groups"]["nodes"] == [{"id": TEAM_ID}]


async def test_hidden_groups_are_not_found(gateway):
    """A search shows what the caller may see, and nothing about other groups."""
    ids = [TEAM_ID, HIDDEN_TEAM_ID]
    assert await found(gateway, "sandbox-other", id=ids) == [TEAM_ID]
    assert HIDDEN_TEAM_ID not in await found(gateway, "sandbox-other", type="PRACTITIONER")


async def test_a_hidden_group_alone_is_not_found(gateway):
    """Nor when it is the only one asked for, which is a read that the upstream refuses."""
    assert await found(gateway, "sandbox-other", id=[HIDDEN_TEAM_ID]) == []


@pytest.mark.parametrize("size", [1, 2, 7, 50])
async def test_paging_through_ids(gateway, size):
    """Groups by ids are paged like others, and totalled without those that don't fit."""
    query = """query ($ids: [ID!], $first: Int, $after: String) {
      groups(filter: { id: $ids, type: PERSON }, first: $first, after: $after) {
        totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage endCursor }
      }
    }"""
    ids = [TEAM_ID, *SEED_GROUP_IDS, "absent", DEVICE_GROUP_ID]
    seen, after, more = [], None, True
    while more:
        groups = (await gateway.data(query, ids=ids, first=size, after=after))["groups"]
        assert groups["totalCount"] == 6
        assert groups["pageInfo"]["hasPreviousPage"] is bool(seen)
        seen += [node["id"] for node in groups["nodes"]]
        more, after = groups["pageInfo"]["hasNextPage"], groups["pageInfo"]["endCursor"]
    assert tuple(seen) == SEED_GROUP_IDS


@pytest.mark.parametrize("size", [1, 4, 50])
async def test_paging_through_ids_backwards(gateway, size):
    """From the end the pages are full, but for the first one."""
    ids = list(SEED_GROUP_IDS)
    pages, before, more = [], None, True
    while more:
        groups = (await gateway.data(GROUPS, filter={"id": ids}, last=size, before=before))[
            "groups"
        ]
        pages.insert(0, [edge["node"]["id"] for edge in groups["edges"]])
        more, before = groups["pageInfo"]["hasPreviousPage"], groups["pageInfo"]["startCursor"]
    assert [id for page in pages for id in page] == ids
    assert {len(page) for page in pages[1:]} <= {size}


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"first": -1}, "BAD_USER_INPUT"),
        ({"first": 1001}, "BAD_USER_INPUT"),
        ({"first": 100_000}, "BAD_USER_INPUT"),
        ({"last": -1}, "BAD_USER_INPUT"),
        ({"last": 1001}, "BAD_USER_INPUT"),
        ({"first": 1, "last": 1}, "BAD_USER_INPUT"),
        ({"first": 2**40}, "BAD_USER_INPUT"),
        ({"first": "1"}, "BAD_USER_INPUT"),
        ({"first": 1, "before": "x"}, "BAD_USER_INPUT"),
        ({"before": "x"}, "BAD_USER_INPUT"),
        ({"last": 1, "after": "x"}, "BAD_USER_INPUT"),
        ({"filter": {"type": "TEAM"}}, "BAD_USER_INPUT"),
        ({"filter": {"type": "practitioner"}}, "BAD_USER_INPUT"),
        ({"filter": {"name": "x"}}, "BAD_USER_INPUT"),
        ({"filter": {"id": ["a", None]}}, "BAD_USER_INPUT"),
        ({"filter": {"id": [f"g{i}" for i in range(1001)]}}, "BAD_USER_INPUT"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_bad_arguments(gateway, sandbox, variables, code):
    """Arguments that make no sense are refused before the upstream is asked."""
    assert await refused(gateway, sandbox, **variables) == code


async def test_an_unknown_enum_value_in_the_document(gateway, sandbox):
    """A document that names no known type is not valid."""
    answer = await gateway("{ groups(filter: { type: TEAM }) { totalCount } }")
    assert [error["extensions"]["code"] for error in answer["errors"]] == [
        "GRAPHQL_VALIDATION_FAILED"
    ]
    assert sandbox.calls == []


@pytest.mark.parametrize(
    ("type", "id", "calls"),
    [
        ("Patient", SEED_PATIENT_ID, [f"patient={SEED_PATIENT_ID}"]),
        ("Practitioner", PRACTITIONER_ID, ["_count=100", "_count=100", "_count=100"]),
    ],
)
async def test_groups_of_a_person(gateway, sandbox, type, id, calls):
    """The groups of an entity are those that a filter by it gives."""
    query = f"""query ($of: [_Any!]!) {{ _entities(representations: $of) {{
      ... on {type} {{ id groups(first: 9) {{ totalCount nodes {{ id }} }} }}
    }} }}"""
    data = await gateway.data(query, of=[{"__typename": type, "id": id}])
    [entity] = data["_entities"]
    assert [call.split("?")[1].split("&")[0] for call in sandbox.calls] == calls
    ids = [node["id"] for node in entity["groups"]["nodes"]]
    assert ids == await found(gateway, **{type.lower(): id})
    assert entity["groups"]["totalCount"] == len(ids) == 2


async def test_groups_of_a_person_by_type_and_page(gateway):
    """They can be narrowed by type, and paged forwards."""
    query = """query ($of: [_Any!]!, $after: String) { _entities(representations: $of) {
      ... on Patient {
        none: groups(type: PRACTITIONER) { totalCount }
        groups(first: 1, after: $after, type: PERSON) {
          nodes { id } pageInfo { hasNextPage hasPreviousPage endCursor }
        }
      }
    } }"""
    of = [{"__typename": "Patient", "id": SEED_PATIENT_ID}]
    [patient] = (await gateway.data(query, of=of))["_entities"]
    assert patient["none"]["totalCount"] == 0
    assert patient["groups"]["nodes"] == [{"id": TEST_GROUP_ID}]
    assert patient["groups"]["pageInfo"]["hasNextPage"] is True
    after = patient["groups"]["pageInfo"]["endCursor"]
    [patient] = (await gateway.data(query, of=of, after=after))["_entities"]
    assert patient["groups"]["nodes"] == [{"id": TEST_GROUP_TWIN_ID}]
    assert patient["groups"]["pageInfo"]["hasNextPage"] is False


async def test_groups_of_the_patients_in_a_group(gateway, sandbox):
    """From a group's members their other groups can be reached, one search for each."""
    query = """query ($id: ID!) { group(id: $id) { member(count: 3) { entity { resource {
      ... on Patient { groups { nodes { name } } }
    } } } } }"""
    data = await gateway.data(query, id=TEST_GROUP_ID)
    for member in data["group"]["member"]:
        assert {"name": "Test Group"} in member["entity"]["resource"]["groups"]["nodes"]
    assert len(sandbox.calls) == 4


async def test_the_budget_ends_a_page(make_gateway, sandbox):
    """A page that needs more calls than an operation may make is an error, after so many."""
    sandbox.use(max_count=10)
    gateway = await make_gateway(upstream_calls=5)
    answer = await gateway("{ groups(first: 100) { nodes { id } } }")
    codes = [error["extensions"]["code"] for error in answer["errors"]]
    assert codes == ["TOO_MANY_UPSTREAM_CALLS"]
    assert len(sandbox.calls) == 5
    assert len((await gateway.data("{ groups(first: 50) { nodes { id } } }"))["groups"]["nodes"])
