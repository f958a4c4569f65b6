"""Members come and go the same way on every upstream, however many people edit at once."""

import asyncio

import pytest

from every_upstream.documents import ADD, REMOVE
from every_upstream.harness import members_of
from upstreams.seeding import group as make_group


@pytest.fixture
async def group_id(fhir):
    """Return a new group with three members, one of them inactive."""
    patients = [
        {"entity": {"reference": "Patient/p1", "type": "Patient"}},
        {"entity": {"reference": "Patient/p2", "type": "Patient"}, "inactive": True},
        {"entity": {"reference": "Patient/p3", "type": "Patient"}},
    ]
    return await fhir.create(make_group("Members", "Patient", []) | {"member": patients})


async def add(gateway, id, *references, **more):
    """Add members; return the payload."""
    members = [{"reference": reference, **more} for reference in references]
    data = await gateway.data(ADD, input={"groupId": id, "members": members})
    return data["addGroupMembers"]


async def remove(gateway, id, *references):
    """Remove members; return the payload."""
    members = [{"reference": reference} for reference in references]
    data = await gateway.data(REMOVE, input={"groupId": id, "members": members})
    return data["removeGroupMembers"]


def remarks(payload):
    """Return an issue as severity, code and path."""
    return [(i["severity"], i["code"], i["inputPath"]) for i in payload["issues"]]


async def test_members_are_added_at_the_end(gateway, fhir, group_id):
    """New members join the others, and the payload shows them all."""
    payload = await add(gateway, group_id, "Patient/p4", "Patient/p5", period={"start": "2025"})
    assert payload["issues"] == []
    stored = await fhir.read(group_id)
    assert members_of(payload["group"]) == members_of(stored)
    assert members_of(stored) == [f"Patient/p{number}" for number in range(1, 6)]
    assert [member["period"] for member in stored["member"][3:]] == [{"start": "2025"}] * 2


async def test_a_former_member_is_taken_back(gateway, fhir, group_id):
    """Adding an inactive member makes it active again, without a second entry."""
    payload = await add(gateway, group_id, "Patient/p2")
    assert payload["issues"] == []
    stored = await fhir.read(group_id)
    assert members_of(stored) == ["Patient/p1", "Patient/p2", "Patient/p3"]
    assert not any(member.get("inactive") for member in stored["member"])


async def test_who_is_a_member_stays_one(gateway, fhir, group_id):
    """Adding a member twice changes nothing, and says so."""
    before = await fhir.read(group_id)
    payload = await add(gateway, group_id, "Patient/p1")
    assert remarks(payload) == [("INFORMATION", "duplicate", ["members", "0"])]
    assert await fhir.read(group_id) == before


async def test_a_member_of_the_wrong_kind(gateway, fhir, group_id):
    """A practitioner is no member of a patient group, whatever the upstream would take."""
    before = await fhir.read(group_id)
    payload = await add(gateway, group_id, "Patient/p4", "Practitioner/d1")
    assert remarks(payload) == [("ERROR", "business-rule", ["members", "1", "reference"])]
    assert await fhir.read(group_id) == before


async def test_members_are_removed(gateway, fhir, group_id):
    """Removed members are gone; removing somebody who is no member is a warning."""
    payload = await remove(gateway, group_id, "Patient/p1", "Patient/nobody")
    assert remarks(payload) == [("INFORMATION", "not-found", ["members", "1"])]
    assert members_of(payload["group"]) == ["Patient/p2", "Patient/p3"]
    assert members_of(await fhir.read(group_id)) == ["Patient/p2", "Patient/p3"]


async def test_the_last_member_can_go(gateway, fhir, group_id):
    """A group may be left empty: FHIR has no empty lists, so the element goes."""
    payload = await remove(gateway, group_id, "Patient/p1", "Patient/p2", "Patient/p3")
    assert (payload["issues"], payload["group"]["member"]) == ([], [])
    assert "member" not in await fhir.read(group_id)


async def test_ten_additions_at_once(gateway, fhir, group_id):
    """Ten callers add a member each at the same moment, and all ten are stored."""
    names = [f"Patient/c{number}" for number in range(10)]
    payloads = await asyncio.gather(*(add(gateway, group_id, name) for name in names))
    assert [payload["issues"] for payload in payloads] == [[]] * 10
    stored = members_of(await fhir.read(group_id))
    assert sorted(stored) == sorted([*names, "Patient/p1", "Patient/p2", "Patient/p3"])


async def test_ten_additions_through_two_gateways(make_gateway, fhir, group_id):
    """Also through two gateways that know nothing of each other, while others leave the group."""
    gateways = [await make_gateway(), await make_gateway()]
    names = [f"Patient/c{number}" for number in range(10)]
    payloads = await asyncio.gather(
        *(add(gateways[number % 2], group_id, name) for number, name in enumerate(names)),
        remove(gateways[0], group_id, "Patient/p1"),
        remove(gateways[1], group_id, "Patient/p3"),
    )
    assert [payload["issues"] for payload in payloads] == [[]] * 12
    stored = members_of(await fhir.read(group_id))
    assert sorted(stored) == sorted([*names, "Patient/p2"])
