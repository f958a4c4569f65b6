"""`GET /Group`: which groups a search finds."""

import time

import pytest

from group_gateway.sandbox import Quirks
from group_gateway.sandbox.wellknown import (
    DEVICE_GROUP_ID,
    EMPTY_GROUP_ID,
    GOLD_KIDNEY_ID,
    MEDIUM_GROUP_ID,
    SEED_GROUP_IDS,
    SEED_PATIENT_ID,
    TEAM_ID,
    TEST_GROUP_ID,
    TEST_GROUP_TWIN_ID,
)

SIXTEEN = "16a0895781ed4b15add239d4d1331524"


async def found(client, query):
    """Search; return the ids found and the parameters that the self link echoes."""
    answer = await client.get(f"/Group?{query}")
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    ids = [entry["resource"]["id"] for entry in bundle.get("entry", [])]
    assert bundle["total"] >= len(ids)
    links = {link["relation"]: link["url"] for link in bundle.get("link", [])}
    return ids, links.get("self", "").partition("?")[2].partition("&_count")[0]


async def test_a_search_without_criteria_gives_the_first_ten(client):
    """The groups of the document come first, in its order."""
    bundle = (await client.get("/Group")).json()
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
    assert len(bundle["entry"]) == 10
    assert [entry["resource"]["id"] for entry in bundle["entry"][:6]] == list(SEED_GROUP_IDS)
    assert {tuple(entry) for entry in bundle["entry"]} == {("resource",)}


async def test_an_entry_is_what_a_read_gives(client):
    """A group is the same in a Bundle as by itself."""
    bundle = (await client.get(f"/Group?_id={TEST_GROUP_ID}")).json()
    assert bundle["entry"] == [{"resource": await client.group(TEST_GROUP_ID)}]
    assert bundle["total"] == 1


@pytest.mark.parametrize(
    ("query", "ids", "echo"),
    [
        (f"_id={GOLD_KIDNEY_ID}", [GOLD_KIDNEY_ID], f"_id={GOLD_KIDNEY_ID}"),
        (f"_id={TEAM_ID}&type=practitioner", [TEAM_ID], f"_id={TEAM_ID}&type=practitioner"),
        (
            f"patient={SEED_PATIENT_ID}",
            [TEST_GROUP_ID, TEST_GROUP_TWIN_ID],
            f"patient={SEED_PATIENT_ID}",
        ),
        (f"patient=Patient/{SIXTEEN}", [GOLD_KIDNEY_ID], f"patient=Patient/{SIXTEEN}"),
        (
            f"patient={SEED_PATIENT_ID}&_id={TEST_GROUP_TWIN_ID}",
            [TEST_GROUP_TWIN_ID],
            f"patient={SEED_PATIENT_ID}&_id={TEST_GROUP_TWIN_ID}",
        ),
        ("type=device", [DEVICE_GROUP_ID], "type=device"),
        (f"nonsense=1&_id={TEAM_ID}&name=x", [TEAM_ID], f"_id={TEAM_ID}"),
        (f"_id={TEAM_ID}&_id={GOLD_KIDNEY_ID}", [GOLD_KIDNEY_ID], f"_id={GOLD_KIDNEY_ID}"),
        (f"member=Patient/{SIXTEEN}&_id={TEAM_ID}", [TEAM_ID], f"_id={TEAM_ID}"),
        (f"patient=&type=&_id={TEAM_ID}", [TEAM_ID], f"_id={TEAM_ID}"),
    ],
)
async def test_criteria_narrow_a_search_and_are_echoed(client, query, ids, echo):
    """Criteria are ANDed; unknown and empty ones are not applied nor echoed; the last counts."""
    assert await found(client, query) == (ids, echo)


@pytest.mark.parametrize(
    "query",
    [
        "_id=unknown",
        "_id=a_b",
        "type=bogus",
        "patient=unknown",
        f"patient=Practitioner/{SEED_PATIENT_ID}",
        f"_id={TEAM_ID}&type=person",
    ],
)
async def test_an_empty_result_has_neither_entry_nor_links(client, query):
    """Nothing found is a Bundle with a total of 0 and no more."""
    bundle = (await client.get(f"/Group?{query}")).json()
    assert bundle == {"resourceType": "Bundle", "type": "searchset", "total": 0}


async def test_comma_lists_mean_or(client):
    """Each criterion takes several values; the order of the groups stays."""
    ids = f"{GOLD_KIDNEY_ID},unknown,{TEST_GROUP_ID}"
    assert await found(client, f"_id={ids}") == ([TEST_GROUP_ID, GOLD_KIDNEY_ID], f"_id={ids}")
    patients = f"{SIXTEEN},Patient/{SEED_PATIENT_ID}"
    groups, _ = await found(client, f"patient={patients}")
    assert groups == [TEST_GROUP_ID, TEST_GROUP_TWIN_ID, GOLD_KIDNEY_ID]
    bundle = (await client.get("/Group?type=practitioner,device&_count=100")).json()
    types = {entry["resource"]["type"] for entry in bundle["entry"]}
    assert types == {"practitioner", "device"}


async def test_comma_lists_may_be_refused(start):
    """Some servers answer 400 to a list."""
    client = start(Quirks(refuse_comma_lists=True))
    assert await client.refused("GET", "/Group?_id=a,b") == (
        400,
        ["invalid: Search parameter '_id' takes a single value"],
    )
    assert await found(client, f"_id={TEAM_ID}") == ([TEAM_ID], f"_id={TEAM_ID}")


async def test_comma_lists_may_be_taken_literally(start):
    """Some servers look for the one id with a comma in it."""
    client = start(Quirks(comma_lists_literal=True))
    assert await found(client, f"_id={TEAM_ID},{GOLD_KIDNEY_ID}") == ([], "")
    assert await found(client, f"_id={TEAM_ID}") == ([TEAM_ID], f"_id={TEAM_ID}")


async def test_a_parameter_may_be_ignored(start):
    """An ignored parameter gives everything and is not echoed."""
    client = start(Quirks(ignore_parameters=("patient", "_count")))
    ids, echo = await found(client, f"patient={SEED_PATIENT_ID}&type=person&_count=1")
    assert (len(ids), echo) == (10, "type=person")


async def test_the_member_parameter_takes_the_patients_place(start):
    """Other servers know `member` only, with a type or for any type."""
    client = start(Quirks(member_parameter=True))
    assert (await found(client, f"member=Patient/{SIXTEEN}"))[0] == [GOLD_KIDNEY_ID]
    assert (await found(client, f"member={SIXTEEN}"))[0] == [GOLD_KIDNEY_ID]
    assert (await found(client, f"member=Practitioner/{SIXTEEN}"))[0] == []
    assert (await found(client, f"patient={SIXTEEN}&type=device")) == (
        [DEVICE_GROUP_ID],
        "type=device",
    )


async def test_writes_change_what_a_search_finds(client):
    """Members and types are looked up as they are now."""
    identity = await client.created(member=[{"entity": {"reference": "Patient/new"}}])
    assert (await found(client, "patient=new"))[0] == [identity]
    group = await client.group(identity)
    group["member"] = [{"entity": {"reference": "Patient/newer"}}]
    await client.put_group(group)
    assert (await found(client, "patient=new"))[0] == []
    assert (await found(client, "patient=newer"))[0] == [identity]


@pytest.mark.parametrize(
    "query",
    [
        "_count=x",
        "_count=-1",
        "_count=0",
        "_count=1.5",
        "_count=9999999999",
        "_offset=-1",
        "_offset=x",
    ],
)
async def test_a_malformed_number_is_400(client, query):
    """Counts begin at 1, offsets at 0."""
    status, (issue,) = await client.refused("GET", f"/Group?{query}")
    assert status == 400
    assert issue.startswith(f"invalid: query -> {query.partition('=')[0]}")


async def test_search_is_quick_among_many_groups(start):
    """An index, not a scan of the members: 50 searches by patient take under a second of work."""
    client = start(person_groups=500)
    await client.get("/Group")
    begun = time.process_time()
    for _ in range(50):
        await client.get(f"/Group?patient={SEED_PATIENT_ID}")
    assert time.process_time() - begun < 1


async def test_inactive_members_are_found_too(client):
    """A search by patient looks at all members, as FHIR's `member` does."""
    member = {"entity": {"reference": "Patient/gone"}, "inactive": True}
    identity = await client.created(member=[member])
    assert (await found(client, "patient=gone"))[0] == [identity]


async def test_a_group_without_members_is_found_by_id(client):
    """Having no members hides no group."""
    assert (await found(client, f"_id={EMPTY_GROUP_ID},{MEDIUM_GROUP_ID}"))[0] == [
        EMPTY_GROUP_ID,
        MEDIUM_GROUP_ID,
    ]
