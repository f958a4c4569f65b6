"""`GET /Group/{id}`, and what every answer has."""

import re
from email.utils import parsedate_to_datetime

import pytest

from group_gateway.sandbox.wellknown import EMPTY_GROUP_ID, LARGE_GROUP_ID, TEST_GROUP_ID

PATIENTS = (
    "cf10ff9d14d0429cb5bb7040611d1a24",
    "d7370b4c04f142abb594b634a8126a91",
    "bbfc07f009cb403882cd9d3661f1613b",
)


async def test_a_group_is_answered_as_the_document_shows_it(client):
    """The first group of the seed document reads exactly as there."""
    answer = await client.get(f"/Group/{TEST_GROUP_ID}")
    assert answer.headers["content-type"] == "application/fhir+json"
    assert answer.json() == {
        "resourceType": "Group",
        "id": TEST_GROUP_ID,
        "type": "person",
        "actual": True,
        "name": "Test Group",
        "quantity": 3,
        "member": [
            {"entity": {"reference": f"Patient/{patient}", "type": "Patient"}}
            for patient in PATIENTS
        ],
    }


async def test_a_group_without_members_has_no_member_key(client):
    """An empty list is absent, and the quantity is 0."""
    group = await client.group(EMPTY_GROUP_ID)
    assert "member" not in group
    assert group["quantity"] == 0


async def test_a_large_group_is_answered_whole(client):
    """Nothing is cut from a group of 10,000 members."""
    group = await client.group(LARGE_GROUP_ID)
    assert len(group["member"]) == group["quantity"] == 10_000


async def test_no_version_is_told(client):
    """The documented upstream has neither ETag nor Last-Modified nor meta."""
    answer = await client.get(f"/Group/{TEST_GROUP_ID}")
    assert not {"etag", "last-modified"} & set(answer.headers)
    assert "meta" not in answer.json()


async def test_an_unknown_id_is_404(client):
    """The text names the resource that was asked for."""
    assert await client.refused("GET", "/Group/unknown") == (
        404,
        ["not-found: Unknown Group resource 'unknown'"],
    )


@pytest.mark.parametrize("identity", ["a_b", "a b", "ä", "x" * 65, "a%0A"])
async def test_a_malformed_id_is_400(client, identity):
    """What is no FHIR id is refused with `value`, not looked up."""
    status, (issue,) = await client.refused("GET", f"/Group/{identity}")
    assert status == 400
    assert issue.startswith("value: path -> id")


@pytest.mark.parametrize("identity", ["x" * 64, "a-b.C9", "..."])
async def test_any_fhir_id_is_looked_up(client, identity):
    """Ids need not be UUIDs to be asked for."""
    status, _ = await client.refused("GET", f"/Group/{identity}")
    assert status == 404


@pytest.mark.parametrize(
    "path", ["/", "/Observation/1", "/Group/", "/Group/a/_history/1", "/auth/token"]
)
async def test_an_unknown_route_is_404_without_an_outcome(client, path):
    """The framework answers these by itself, in plain JSON."""
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"detail": "Not Found"}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/Group/x", "GET, PUT"),
        ("PATCH", "/Group/x", "GET, PUT"),
        ("POST", "/Group/x", "GET, PUT"),
        ("OPTIONS", "/Group/x", "GET, PUT"),
        ("DELETE", "/Group", "GET, POST"),
        ("PUT", "/Group", "GET, POST"),
        ("POST", "/metadata", "GET"),
        ("GET", "/auth/token/", "POST"),
    ],
)
async def test_other_methods_are_405(client, method, path, allowed):
    """An interaction that the upstream lacks is `not-supported`."""
    status, (issue,) = await client.refused(method, path)
    assert (status, issue) == (405, f"not-supported: Method {method} is not supported")
    assert (await client.request(method, path)).headers["allow"] == allowed


async def test_head_is_405(client):
    """There is no HEAD, not even where there is a GET."""
    assert (await client.head(f"/Group/{TEST_GROUP_ID}")).status_code == 405


@pytest.mark.parametrize(
    "path", [f"/Group/{TEST_GROUP_ID}", "/Group/unknown", "/nowhere", "/metadata"]
)
async def test_every_answer_is_numbered_and_dated(client, path):
    """Good or bad, an answer has a correlation id of its own and exactly one Date."""
    first, second = await client.get(path), await client.get(path)
    assert re.fullmatch(r"[0-9a-f-]{36}", first.headers["fumage-correlation-id"])
    assert first.headers["fumage-correlation-id"] != second.headers["fumage-correlation-id"]
    (date,) = first.headers.get_list("date")
    assert date.endswith("GMT")
    assert parsedate_to_datetime(date)


async def test_the_date_is_the_servers_clock(start, clock):
    """The sandbox sends its own time, skewed if configured."""
    client = start(clock=clock)
    assert (await client.get("/metadata")).headers["date"] == "Fri, 15 Jan 2027 08:00:00 GMT"
    await client.put("/sandbox/quirks", json={"clock_skew_s": -3600})
    assert (await client.get("/metadata")).headers["date"] == "Fri, 15 Jan 2027 07:00:00 GMT"


async def test_a_broken_server_says_500(client):
    """An error inside is an `exception` that gives its text away, as the framework does."""
    client.state.store.connection.close()
    assert await client.refused("GET", f"/Group/{TEST_GROUP_ID}") == (
        500,
        ["exception: Cannot operate on a closed database."],
    )
