"""`If-Unmodified-Since` and `If-Match` on updates, and the versions that some servers show."""

import asyncio

import pytest

from group_gateway.sandbox import Quirks
from group_gateway.sandbox.wellknown import RICH_GROUP_ID, TEST_GROUP_ID

NOW = "Fri, 15 Jan 2027 08:00:00 GMT"
BEFORE = "Fri, 15 Jan 2027 07:59:59 GMT"
SINCE_DATE = (412, ["conflict: Resource updated since If-Unmodified-Since date"])


async def refused(client, group, **headers):
    """Send an update that is refused."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.refused("PUT", f"/Group/{group['id']}", json=group, headers=names)


async def test_an_update_since_then_is_412(start, clock):
    """A group changed in a later second than the date is not overwritten."""
    client = start(clock=clock)
    group = await client.group(await client.created())
    assert await refused(client, group | {"name": "Late"}, if_unmodified_since=BEFORE) == SINCE_DATE
    assert (await client.group(group["id"]))["name"] == "Made"


async def test_the_same_second_passes(start, clock):
    """Only whole seconds count: a change later in the same second goes unseen."""
    clock.now += 0.9
    client = start(clock=clock)
    group = await client.group(await client.created())
    assert (await client.put_group(group, if_unmodified_since=NOW)).status_code == 200


async def test_the_date_header_of_a_read_is_a_precondition(start, clock):
    """An update with the Date of a read passes until another update was made."""
    client = start(clock=clock)
    clock.now += 5
    date = (await client.get(f"/Group/{TEST_GROUP_ID}")).headers["date"]
    group = await client.group(TEST_GROUP_ID)
    assert (await client.put_group(group, if_unmodified_since=date)).status_code == 200
    clock.now += 1
    assert (await client.put_group(group)).status_code == 200
    assert await refused(client, group, if_unmodified_since=date) == SINCE_DATE


@pytest.mark.parametrize(
    "date", ["yesterday", "2027-01-15T08:00:00Z", "Fri, 15 Jan 2027 08:00:00 +0100", ""]
)
async def test_a_date_that_is_none_is_400(client, date):
    """Only HTTP dates are understood."""
    status, (issue,) = await refused(
        client, await client.group(TEST_GROUP_ID), if_unmodified_since=date
    )
    assert status == 400
    assert issue.startswith("value: header -> If-Unmodified-Since")


async def test_without_versions_if_match_is_not_looked_at(client):
    """The documented upstream knows no ETag."""
    group = await client.group(TEST_GROUP_ID)
    assert (await client.put_group(group, if_match='W/"77"')).status_code == 200


async def test_versions_may_be_shown(start, clock):
    """With quirk `etag`, headers and meta have version and time; other meta stays."""
    client = start(Quirks(etag=True), clock=clock)
    answer = await client.get(f"/Group/{RICH_GROUP_ID}")
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["last-modified"] == "Wed, 01 Jan 2025 00:00:00 GMT"
    group = answer.json()
    assert list(group)[:3] == ["resourceType", "id", "meta"]
    assert group["meta"] == {
        "tag": [{"system": "https://example.org/tags", "code": "showcase"}],
        "versionId": "1",
        "lastUpdated": "2025-01-01T00:00:00.000Z",
    }
    clock.now += 0.25
    answer = await client.put_group(group, if_match='W/"1"')
    assert answer.headers["etag"] == 'W/"2"'
    meta = (await client.group(RICH_GROUP_ID))["meta"]
    assert (meta["versionId"], meta["lastUpdated"]) == ("2", "2027-01-15T08:00:00.250Z")


async def test_a_search_shows_versions_too(start):
    """Entries of a Bundle have the same meta as a read."""
    client = start(Quirks(etag=True))
    bundle = (await client.get(f"/Group?_id={TEST_GROUP_ID}")).json()
    assert bundle["entry"][0]["resource"] == await client.group(TEST_GROUP_ID)


async def test_a_create_tells_its_version(start):
    """The first version is 1, in ETag and in the Location's history."""
    client = start(Quirks(etag=True, location="history"))
    body = {"resourceType": "Group", "type": "person", "actual": True, "name": "New"}
    answer = await client.post("/Group", json=body)
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["location"].endswith("/_history/1")


@pytest.mark.parametrize("tag", ['W/"1"', '"1"', '"7", W/"1"', "*"])
async def test_a_matching_version_passes(start, tag):
    """Weak and strong tags, lists and the star are understood."""
    client = start(Quirks(etag=True))
    group = await client.group(TEST_GROUP_ID)
    assert (await client.put_group(group, if_match=tag)).status_code == 200


@pytest.mark.parametrize("tag", ['W/"2"', "1", '"7", "8"', ""])
async def test_another_version_is_412(start, tag):
    """What is not the group's version now is a conflict."""
    client = start(Quirks(etag=True))
    assert await refused(client, await client.group(TEST_GROUP_ID), if_match=tag) == (
        412,
        ["conflict: Resource updated since If-Match version"],
    )


async def test_of_updates_at_once_one_wins(start):
    """Check and write are one: of ten updates of one version, one passes and nine conflict."""
    client = start(Quirks(etag=True))
    group = await client.group(TEST_GROUP_ID)
    updates = [
        client.put_group(group | {"name": str(number)}, if_match='W/"1"') for number in range(10)
    ]
    statuses = [answer.status_code for answer in await asyncio.gather(*updates)]
    assert sorted(statuses) == [200] + [412] * 9


async def test_a_version_outranks_a_date(start):
    """With both headers, RFC 9110 has the date ignored."""
    client = start(Quirks(etag=True))
    group = await client.group(await client.created())
    headers = {"if_match": 'W/"1"', "if_unmodified_since": "Thu, 01 Jan 1970 00:00:00 GMT"}
    assert (await client.put_group(group, **headers)).status_code == 200
