"""`PUT /Group/{id}`."""

import pytest

from group_gateway.sandbox import Quirks
from group_gateway.sandbox.wellknown import LARGE_GROUP_ID, RICH_GROUP_ID, TEST_GROUP_ID

ONE = {"entity": {"reference": "Patient/one"}}
TWO = {"entity": {"reference": "Patient/two"}}


async def test_an_update_answers_null(client):
    """The body is literally null; Location names the group."""
    answer = await client.put_group(await client.group(TEST_GROUP_ID))
    assert (answer.status_code, answer.content) == (200, b"null")
    assert answer.headers["location"] == f"/Group/{TEST_GROUP_ID}"


async def test_an_update_replaces_the_whole_group(client):
    """What the body leaves out is gone, members too."""
    identity = await client.created(active=True, member=[ONE, TWO])
    group = await client.group(identity)
    del group["active"]
    await client.put_group(group | {"name": "After", "member": [TWO]})
    assert await client.group(identity) == {
        "resourceType": "Group",
        "id": identity,
        "type": "person",
        "actual": True,
        "name": "After",
        "quantity": 1,
        "member": [TWO],
    }


@pytest.mark.parametrize("identity", [RICH_GROUP_ID, LARGE_GROUP_ID])
async def test_what_was_read_can_be_written(client, identity):
    """A group put as it was got stays as it was, to the last byte."""
    before = await client.get(f"/Group/{identity}")
    headers = {"Content-Type": "application/fhir+json"}
    await client.put(f"/Group/{identity}", content=before.content, headers=headers)
    assert (await client.get(f"/Group/{identity}")).content == before.content


async def test_a_decimal_keeps_its_digits(client):
    """FHIR gives meaning to the zero at the end of 1.10."""
    content = (
        b'{"resourceType":"Group","type":"person","actual":true,"name":"N","extension":'
        b'[{"url":"u","valueDecimal":1.10},{"url":"u","valueDecimal":12345678901234567890.5}]}'
    )
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/Group", content=content, headers=headers)
    text = (await client.get(answer.headers["location"])).text
    assert '"valueDecimal":1.10}' in text
    assert '"valueDecimal":12345678901234567890.5}' in text


@pytest.mark.parametrize("identity", [None, "other"])
async def test_the_body_must_name_the_group(client, identity):
    """An id that is missing or another than the URL's is refused."""
    group = await client.group(TEST_GROUP_ID)
    body = {name: value for name, value in group.items() if name != "id"}
    body |= {"id": identity} if identity else {}
    assert await client.refused("PUT", f"/Group/{TEST_GROUP_ID}", json=body) == (
        400,
        ["invalid: Logical Id in URL must match logical Id in resource"],
    )


async def test_an_update_creates_nothing(client):
    """There is no upsert: an unknown id is a 404."""
    body = {"resourceType": "Group", "id": "new", "type": "person", "actual": True, "name": "N"}
    status, _ = await client.refused("PUT", "/Group/new", json=body)
    assert status == 404
    assert (await client.get("/Group/new")).status_code == 404


async def test_a_malformed_id_is_400(client):
    """The URL is checked as in a read."""
    status, (issue,) = await client.refused("PUT", "/Group/a_b", json={})
    assert (status, issue.partition(":")[0]) == (400, "value")


async def test_a_refused_update_changes_nothing(client):
    """A group is as it was after a 400 and after a 422."""
    before = await client.group(TEST_GROUP_ID)
    assert (await client.put_group(before | {"name": ""})).status_code == 400
    wrong = {"entity": {"reference": "Practitioner/p"}}
    assert (await client.put_group(before | {"member": [wrong]})).status_code == 422
    assert await client.group(TEST_GROUP_ID) == before


async def test_an_update_may_answer_the_group(start):
    """Other servers give the whole resource, or nothing."""
    client = start(Quirks(update_body="full", location="none"))
    answer = await client.put_group(await client.group(TEST_GROUP_ID) | {"name": "After"})
    assert answer.json() == await client.group(TEST_GROUP_ID)
    assert "location" not in answer.headers
    client = start(Quirks(update_body="empty"))
    assert (await client.put_group(await client.group(TEST_GROUP_ID))).content == b""


async def test_omitted_members_may_stay(start):
    """With this quirk only `inactive` takes a member out of the count."""
    client = start(Quirks(keeps_omitted_members=True))
    identity = await client.created(member=[ONE, TWO])
    group = await client.group(identity)
    await client.put_group(group | {"member": [TWO]})
    assert (await client.group(identity))["member"] == [TWO, ONE]
    await client.put_group(group | {"member": [ONE | {"inactive": True}]})
    after = await client.group(identity)
    assert after["member"] == [ONE | {"inactive": True}, TWO]
    assert after["quantity"] == 1


async def test_elements_may_be_ignored(start):
    """A write of these elements is accepted silently and has no effect."""
    client = start(Quirks(ignores_elements=("active", "name", "member.period", "language")))
    period = {"start": "2025"}
    group = await client.group(RICH_GROUP_ID)
    changed = {"active": False, "name": "Other", "implicitRules": "https://example.org/new"}
    answer = await client.put_group(group | changed | {"member": [ONE | {"period": period}, TWO]})
    assert answer.status_code == 200
    after = await client.group(RICH_GROUP_ID)
    assert (after["active"], after["name"], after["language"]) == (True, group["name"], "en")
    assert after["implicitRules"] == "https://example.org/new"
    assert after["member"] == [ONE, TWO]


async def test_a_new_group_has_no_ignored_elements(start):
    """On a create, an ignored element is dropped."""
    client = start(Quirks(ignores_elements=("active", "code.text", "identifier.value")))
    identity = await client.created(active=True, code={"text": "x", "coding": []}, identifier=[])
    group = await client.group(identity)
    assert "active" not in group
    assert group["code"] == {"coding": []}


async def test_generated_people_have_names(client):
    """The server names the people it knows, on every write anew."""
    entity = (await client.group(RICH_GROUP_ID))["member"][0]["entity"]
    assert entity["display"]
    identity = await client.created(member=[{"entity": {"reference": entity["reference"]}}])
    (member,) = (await client.group(identity))["member"]
    assert member["entity"]["display"] == entity["display"]
