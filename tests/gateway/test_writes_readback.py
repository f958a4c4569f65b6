"""A written group is read back, and issues name what the upstream did not store."""

import pytest

from gateway.writing import (
    ADD,
    ASSIGN,
    REMOVE,
    UPDATE,
    members,
    methods,
    new_group,
    past,
    patients,
    references,
    told,
    writes,
)
from group_gateway.sandbox.wellknown import TEAM_ID, TEAM_RESPONSIBILITIES, TEST_GROUP_ID

PERIOD = {"start": "2026-01-01"}
RETIRED = {
    "active": False,
    "code": {"text": "Retired"},
    "identifier": [{"value": "1"}],
    "managingEntity": {"reference": "Organization/1"},
}


@pytest.fixture
async def group_id(sandbox):
    """Create a patient group with two members, past the gateway; return its id."""
    async with past(sandbox) as fhir:
        id = await fhir.create(new_group(active=True, member=members(1, 2)))
    sandbox.forget_calls()
    return id


@pytest.mark.parametrize("name", RETIRED)
async def test_an_element_that_was_not_stored(gateway, sandbox, group_id, name):
    """An update of which a part did not take is done, with a warning at that part."""
    sandbox.use(ignores_elements=(name,))
    payload = (await gateway.data(UPDATE, input={"id": group_id, "name": "New"} | RETIRED))[
        "updateGroup"
    ]
    assert told(payload) == [("WARNING", "incomplete", [name])]
    assert payload["group"]["name"] == "New"


async def test_an_element_that_was_not_cleared(gateway, sandbox, group_id):
    """What should be removed and is still present is reported too."""
    sandbox.use(ignores_elements=("active",))
    payload = (await gateway.data(UPDATE, input={"id": group_id, "active": None}))["updateGroup"]
    assert told(payload) == [("WARNING", "incomplete", ["active"])]
    assert payload["group"]["active"] is True


async def test_everything_was_stored(gateway, group_id):
    """Values that come back in other words, such as 5 for 5.0, are what was asked for."""
    trait = {"code": {"text": "age"}, "valueQuantity": {"value": 5.0, "unit": "a"}}
    wanted = RETIRED | {"id": group_id, "characteristic": [trait], "member": patients(2, 3)}
    payload = (await gateway.data(UPDATE, input=wanted))["updateGroup"]
    assert payload["issues"] == []


async def test_a_part_of_a_member_that_was_not_stored(gateway, sandbox, group_id):
    """A member is stored without its period: that is a warning at the member."""
    sandbox.use(ignores_elements=("member.period",))
    wanted = [patients(3)[0], {**patients(4)[0], "period": PERIOD}]
    payload = (await gateway.data(ADD, input={"groupId": group_id, "members": wanted}))[
        "addGroupMembers"
    ]
    assert told(payload) == [("WARNING", "incomplete", ["members", "1"])]
    assert references(payload["group"])[-1] == "Patient/4"


async def test_members_that_were_not_stored(gateway, sandbox, group_id):
    """An upstream that takes no members makes every one of them a warning."""
    sandbox.use(ignores_elements=("member",))
    payload = (await gateway.data(ADD, input={"groupId": group_id, "members": patients(1, 3, 4)}))[
        "addGroupMembers"
    ]
    assert told(payload) == [
        ("INFORMATION", "duplicate", ["members", "0"]),
        ("WARNING", "incomplete", ["members", "1"]),
        ("WARNING", "incomplete", ["members", "2"]),
    ]


async def test_responsibilities_that_were_not_stored(gateway, sandbox):
    """Responsibilities that were not added or not removed are reported."""
    sandbox.use(ignores_elements=("characteristic",))
    codes = [TEAM_RESPONSIBILITIES[0], "REVIEW_COVERAGES"]
    payload = (await gateway.data(ASSIGN, input={"groupId": TEAM_ID, "responsibilities": codes}))[
        "setGroupResponsibilities"
    ]
    assert told(payload) == [
        ("WARNING", "incomplete", ["responsibilities", "1"]),
        ("WARNING", "incomplete", ["responsibilities"]),
    ]
    assert payload["group"]["responsibilities"] == list(TEAM_RESPONSIBILITIES)


@pytest.mark.parametrize("etag", [False, True])
async def test_an_upstream_that_keeps_omitted_members(gateway, sandbox, group_id, etag):
    """A member that stays although omitted is made inactive, with a warning."""
    sandbox.use(keeps_omitted_members=True, etag=etag)
    payload = (await gateway.data(REMOVE, input={"groupId": group_id, "members": patients(1)}))[
        "removeGroupMembers"
    ]
    assert told(payload) == [("INFORMATION", "informational", ["members", "0"])]
    async with past(sandbox) as fhir:
        stored = await fhir.read(group_id)
    assert [member.get("inactive") for member in stored["member"]] == [None, True]
    assert references(stored) == ["Patient/2", "Patient/1"]
    assert writes(sandbox).count("PUT 200") == 2


async def test_the_gateway_learns_that_omitted_members_stay(gateway, sandbox, group_id):
    """The next removal makes inactive at once."""
    sandbox.use(keeps_omitted_members=True, etag=True)
    for name in (1, 2):
        payload = (
            await gateway.data(REMOVE, input={"groupId": group_id, "members": patients(name)})
        )["removeGroupMembers"]
        assert told(payload) == [("INFORMATION", "informational", ["members", "0"])]
    assert writes(sandbox) == ["PUT 200"] * 3
    again = (await gateway.data(REMOVE, input={"groupId": group_id, "members": patients(1)}))[
        "removeGroupMembers"
    ]
    assert told(again) == [("INFORMATION", "informational", ["members", "0"])]
    assert writes(sandbox) == ["PUT 200"] * 3


@pytest.mark.parametrize("etag", [False, True])
async def test_a_removal_that_is_bound_to_a_version(gateway, sandbox, group_id, etag):
    """The gateway's own first try is no change by others."""
    sandbox.use(keeps_omitted_members=True, etag=etag)
    version = (await gateway.data("query ($id: ID!) { group(id: $id) { version } }", id=group_id))[
        "group"
    ]["version"]
    wanted = {"groupId": group_id, "members": patients(1), "ifVersion": version}
    payload = (await gateway.data(REMOVE, input=wanted))["removeGroupMembers"]
    assert told(payload) == [("INFORMATION", "informational", ["members", "0"])]


async def test_an_update_of_all_members_where_omitted_ones_stay(gateway, sandbox, group_id):
    """There the list is not what was asked for, and that is a warning."""
    sandbox.use(keeps_omitted_members=True)
    payload = (await gateway.data(UPDATE, input={"id": group_id, "member": patients(3)}))[
        "updateGroup"
    ]
    assert told(payload) == [("WARNING", "incomplete", ["member"])]
    assert len(references(payload["group"])) == 3


@pytest.mark.parametrize("body", ["null", "empty", "full"])
async def test_whatever_the_answer_to_a_put_holds(gateway, sandbox, body):
    """A full body saves the read, null and nothing are read back; the payload is the same."""
    sandbox.use(update_body=body)
    wanted = {"id": TEST_GROUP_ID, "name": "New"}
    payload = (await gateway.data(UPDATE, input=wanted))["updateGroup"]
    assert payload["group"]["name"] == "New"
    assert payload["issues"] == []
    assert methods(sandbox) == ["GET", "PUT"] + ["GET"] * (body != "full")
