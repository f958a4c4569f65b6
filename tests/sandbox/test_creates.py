"""`POST /Group`."""

import re

import pytest

from group_gateway.sandbox import Quirks

BODY = {"resourceType": "Group", "type": "person", "actual": True, "name": "New"}
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


async def test_a_create_answers_null_and_where(client):
    """The body is literally null; the id is in a relative Location only."""
    answer = await client.post("/Group", json=BODY)
    assert (answer.status_code, answer.content) == (201, b"null")
    assert re.fullmatch(f"/Group/{UUID}", answer.headers["location"])


async def test_a_created_group_can_be_read(client):
    """The sent elements are stored, with the id and the quantity of the server."""
    members = [{"entity": {"reference": "Patient/p1", "type": "Patient"}}]
    identity = await client.created(name="Mine", active=False, member=members)
    assert await client.group(identity) == BODY | {
        "id": identity,
        "name": "Mine",
        "active": False,
        "quantity": 1,
        "member": members,
    }


async def test_the_body_cannot_choose_the_id(client):
    """An id in the body is ignored."""
    identity = await client.created(id="mine")
    assert identity != "mine"
    assert (await client.get("/Group/mine")).status_code == 404


async def test_a_new_group_is_the_last(client):
    """Searches list groups in the order of their creation."""
    identity = await client.created()
    total = (await client.get("/Group?_count=1")).json()["total"]
    bundle = (await client.get(f"/Group?_offset={total - 1}")).json()
    assert [entry["resource"]["id"] for entry in bundle["entry"]] == [identity]


async def test_the_server_counts(client):
    """`quantity` is computed, whatever the body says; inactive members do not count."""
    members = [
        {"entity": {"reference": "Patient/p1"}},
        {"entity": {"reference": "Patient/p2"}, "inactive": False},
        {"entity": {"reference": "Patient/p3"}, "inactive": True},
    ]
    group = await client.group(await client.created(quantity=99, member=members))
    assert group["quantity"] == 2
    assert group["member"] == members


async def test_the_server_names(client):
    """A display that a client sends for a member is not kept."""
    entity = {"reference": "Patient/p1", "type": "Patient"}
    group = await client.group(
        await client.created(member=[{"entity": entity | {"display": "Not so"}}])
    )
    assert group["member"] == [{"entity": entity}]


async def test_no_members_means_no_member_key(client):
    """An empty list is taken for an absent one."""
    assert "member" not in await client.group(await client.created(member=[]))


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("relative", f"/Group/{UUID}"),
        ("absolute", f"https://fumage.test/Group/{UUID}"),
        ("history", f"/Group/{UUID}/_history/1"),
        ("absolute-history", f"https://fumage.test/Group/{UUID}/_history/1"),
        ("http", f"http://fumage.test/Group/{UUID}"),
    ],
)
async def test_the_location_has_many_forms(start, form, pattern):
    """Every form that was ever seen can be had."""
    answer = await start(Quirks(location=form)).post("/Group", json=BODY)
    assert re.fullmatch(pattern, answer.headers["location"])


async def test_the_location_may_be_absent(start):
    """A server may forget to say where."""
    answer = await start(Quirks(location="none")).post("/Group", json=BODY)
    assert "location" not in answer.headers


async def test_a_create_may_answer_nothing(start):
    """Since 2024 the upstream's body is empty, and has no content type."""
    answer = await start(Quirks(create_body="empty")).post("/Group", json=BODY)
    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["content-length"] == "0"
    assert "content-type" not in answer.headers


async def test_a_create_may_answer_the_group(start):
    """Other servers give the whole resource."""
    client = start(Quirks(create_body="full"))
    answer = await client.post("/Group", json=BODY)
    identity = answer.headers["location"].rpartition("/")[2]
    assert answer.json() == await client.group(identity)


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/fhir+json; charset=utf-8"]
)
async def test_both_content_types_are_taken(client, content_type):
    """JSON by either name, with or without parameters."""
    content = b'{"resourceType":"Group","type":"person","actual":true,"name":"N"}'
    answer = await client.post("/Group", content=content, headers={"Content-Type": content_type})
    assert answer.status_code == 201


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
async def test_another_content_type_is_refused(client, headers):
    """What does not say that it is JSON is not read."""
    status, (issue,) = await client.refused("POST", "/Group", content=b"{}", headers=headers)
    assert (status, issue.partition(":")[0]) == (400, "invalid")
