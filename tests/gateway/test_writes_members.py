"""Members are added once, removed whole, and known again however the upstream writes them."""

from typing import Any

import pytest

from every_upstream.documents import change
from gateway.writing import ADD, REMOVE, UPDATE, members, new_group, past, patients, told, writes
from group_gateway.sandbox.wellknown import LARGE_GROUP_ID, NESTED_GROUP_ID, RICH_GROUP_ID

UPSTREAM = "http://upstream.test"
ENDED = {"period": {"start": "2024-01", "end": "2025-01"}, "inactive": True}


async def made(sandbox: Any, *entries: dict[str, Any], **elements: Any) -> str:
    """Create a group with these members, past the gateway; return its id."""
    async with past(sandbox) as fhir:
        id = await fhir.create(new_group(**elements) | {"member": list(entries)})
    sandbox.forget_calls()
    return id


async def stored(sandbox: Any, id: str) -> list[dict[str, Any]]:
    """Return the members that the upstream holds, without the names it adds."""
    async with past(sandbox) as fhir:
        entries = (await fhir.read(id)).get("member", [])
    for entry in entries:
        entry["entity"].pop("display", None)
    return list(entries)


async def add(gateway: Any, id: str, *wanted: dict[str, Any]) -> Any:
    """Add members; return the payload."""
    answer = await gateway.data(ADD, input={"groupId": id, "members": list(wanted)})
    return answer["addGroupMembers"]


async def remove(gateway: Any, id: str, *wanted: dict[str, Any]) -> Any:
    """Remove members; return the payload."""
    answer = await gateway.data(REMOVE, input={"groupId": id, "members": list(wanted)})
    return answer["removeGroupMembers"]


async def test_who_is_a_member_already(gateway, sandbox):
    """Adding a member again is no write, and a warning names the member."""
    id = await made(sandbox, *members(1))
    payload = await add(gateway, id, *patients(1))
    assert told(payload) == [("INFORMATION", "duplicate", ["members", "0"])]
    assert writes(sandbox) == []
    payload = await add(gateway, id, *patients(2, 1))
    assert told(payload) == [("INFORMATION", "duplicate", ["members", "1"])]
    assert await stored(sandbox, id) == members(1, 2)


async def test_who_is_no_member(gateway, sandbox):
    """Removing somebody who is no member is no write, and a warning says so."""
    id = await made(sandbox, *members(1))
    payload = await remove(gateway, id, *patients(2))
    assert told(payload) == [("INFORMATION", "not-found", ["members", "0"])]
    assert writes(sandbox) == []
    payload = await remove(gateway, id, *patients(1, 2))
    assert told(payload) == [("INFORMATION", "not-found", ["members", "1"])]
    assert await stored(sandbox, id) == []


async def test_an_empty_list_of_members(gateway, sandbox):
    """Adding or removing an empty list does nothing, and returns the group."""
    id = await made(sandbox, *members(1))
    for write in (add, remove):
        payload = await write(gateway, id)
        assert payload["issues"] == []
        assert payload["group"]["id"] == id
    assert writes(sandbox) == []


async def test_an_update_that_names_nothing(gateway, sandbox):
    """It is no write, and gives the group."""
    id = await made(sandbox)
    payload = (await gateway.data(UPDATE, input={"id": id}))["updateGroup"]
    assert (payload["group"]["name"], payload["issues"]) == ("Made", [])
    assert writes(sandbox) == []


async def test_an_update_to_what_is_there(gateway, sandbox):
    """Setting elements to the values that they have is no write."""
    id = await made(sandbox, *members(1), active=True)
    wanted = {"id": id, "name": "Made", "active": True, "member": patients(1), "code": None}
    payload = (await gateway.data(UPDATE, input=wanted))["updateGroup"]
    assert payload["issues"] == []
    assert writes(sandbox) == []


async def test_a_member_is_brought_up_to_date(gateway, sandbox):
    """Adding a member with another period changes the period, and nothing else of it."""
    id = await made(sandbox, {**members(1)[0], "extension": [{"url": "https://example.org/x"}]})
    period = {"start": "2026-01-01"}
    payload = await add(gateway, id, {**patients(1)[0], "period": period})
    assert payload["issues"] == []
    [entry] = await stored(sandbox, id)
    assert entry == {
        **members(1)[0],
        "extension": [{"url": "https://example.org/x"}],
        "period": period,
    }


async def test_a_former_member_comes_back(gateway, sandbox):
    """Adding an inactive member makes it active; ending a membership is adding it as inactive."""
    id = await made(sandbox, {**members(1)[0], **ENDED})
    assert (await add(gateway, id, *patients(1)))["issues"] == []
    [entry] = await stored(sandbox, id)
    assert entry["inactive"] is False
    assert (await add(gateway, id, {**patients(1)[0], "inactive": True}))["issues"] == []
    [entry] = await stored(sandbox, id)
    assert entry["inactive"] is True
    payload = await add(gateway, id, {**patients(1)[0], "inactive": True})
    assert told(payload) == [("INFORMATION", "duplicate", ["members", "0"])]


async def test_a_member_that_the_upstream_lists_twice(gateway, sandbox):
    """Of two memberships of one patient the active one counts, and removal removes both."""
    former = {**members(1)[0], **ENDED}
    id = await made(sandbox, former, *members(1, 2))
    payload = await add(gateway, id, *patients(1))
    assert told(payload) == [("INFORMATION", "duplicate", ["members", "0"])]
    await remove(gateway, id, *patients(1))
    assert await stored(sandbox, id) == members(2)


async def test_a_reference_into_the_upstream_itself(gateway, sandbox):
    """`<upstream>/Patient/1` in an input is the upstream's own `Patient/1`."""
    id = await made(sandbox, *members(1))
    payload = await add(gateway, id, {"reference": f"{UPSTREAM}/Patient/1"})
    assert told(payload) == [("INFORMATION", "duplicate", ["members", "0"])]
    await add(gateway, id, {"reference": f"{UPSTREAM}/Patient/2"})
    assert await stored(sandbox, id) == members(1, 2)
    await remove(gateway, id, {"reference": f"{UPSTREAM}/Patient/1"})
    assert await stored(sandbox, id) == members(2)


async def test_an_absolute_reference_is_found_by_a_relative_one(gateway, sandbox):
    """An upstream that writes its references in full has the same members."""
    absolute = {"entity": {"reference": f"{UPSTREAM}/Patient/1", "type": "Patient"}}
    id = await made(sandbox, absolute, *members(2))
    payload = await add(gateway, id, *patients(1))
    assert told(payload) == [("INFORMATION", "duplicate", ["members", "0"])]
    payload = await remove(gateway, id, *patients(1))
    assert payload["issues"] == []
    assert await stored(sandbox, id) == members(2)


async def test_a_patient_of_another_server(gateway, sandbox):
    """The same id on another server is another patient."""
    elsewhere = "https://elsewhere.example.org/Patient/1"
    id = await made(sandbox, *members(1))
    await add(gateway, id, {"reference": elsewhere})
    foreign = {"entity": {"reference": elsewhere, "type": "Patient"}}
    assert await stored(sandbox, id) == [*members(1), foreign]
    await remove(gateway, id, *patients(1))
    assert await stored(sandbox, id) == [foreign]
    payload = await remove(gateway, id, {"reference": "https://third.example.org/Patient/1"})
    assert told(payload) == [("INFORMATION", "not-found", ["members", "0"])]


async def test_groups_as_members(gateway, sandbox):
    """A group may be a member of any group, next to its patients."""
    payload = await add(gateway, NESTED_GROUP_ID, {"reference": f"Group/{RICH_GROUP_ID}"})
    assert told(payload) == [("INFORMATION", "duplicate", ["members", "0"])]
    await add(gateway, NESTED_GROUP_ID, {"reference": f"Group/{LARGE_GROUP_ID}"})
    assert (await stored(sandbox, NESTED_GROUP_ID))[-1] == {
        "entity": {"reference": f"Group/{LARGE_GROUP_ID}", "type": "Group"}
    }


async def test_a_type_that_does_not_fit_the_members(gateway, sandbox):
    """A group of patients can't become a team: the issue is at the type, as that was asked."""
    id = await made(sandbox, *members(1))
    payload = (await gateway.data(UPDATE, input={"id": id, "type": "PRACTITIONER"}))["updateGroup"]
    assert told(payload) == [("ERROR", "business-rule", ["type"])]
    assert payload["group"]["id"] == id
    assert writes(sandbox) == []


@pytest.mark.parametrize("field", ["addGroupMembers", "removeGroupMembers"])
async def test_an_unknown_group(gateway, sandbox, field):
    """There is no group to change: the issue is at the id, and nothing is created."""
    document = {"addGroupMembers": ADD, "removeGroupMembers": REMOVE}[field]
    wanted = {"groupId": "no-such-group", "members": patients(1)}
    payload = (await gateway.data(document, input=wanted))[field]
    assert payload["group"] is None
    assert told(payload) == [("ERROR", "not-found", ["groupId"])]
    assert writes(sandbox) == []


@pytest.mark.parametrize("etag", [False, True])
async def test_ten_thousand_at_once(gateway, sandbox, etag):
    """As many members as one input takes join as many others, and leave again."""
    sandbox.use(etag=etag)
    wanted = {"groupId": LARGE_GROUP_ID, "members": patients(*range(10_000))}
    for field, quantity in (("addGroupMembers", 20_000), ("removeGroupMembers", 10_000)):
        document = change(field, "quantity")
        payload = (await gateway.data(document, input=wanted))[field]
        assert payload["group"]["quantity"] == quantity
        assert payload["issues"] == []
