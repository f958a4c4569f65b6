"""Writes of one group at the same time: they queue up, share PUTs, and answer for themselves."""

import asyncio
from typing import Any

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
from group_gateway.sandbox.quirks import FaultRule
from group_gateway.sandbox.wellknown import EMPTY_GROUP_ID, TEAM_ID
from waiting import until

EMPTY = {"groupId": EMPTY_GROUP_ID}


async def add(gateway: Any, *names: Any, **more: Any) -> Any:
    """Add patients to the empty group; return the payload."""
    wanted = EMPTY | {"members": patients(*names)} | more
    return (await gateway.data(ADD, input=wanted))["addGroupMembers"]


async def remove(gateway: Any, *names: Any) -> Any:
    """Remove patients from the empty group; return the payload."""
    wanted = EMPTY | {"members": patients(*names)}
    return (await gateway.data(REMOVE, input=wanted))["removeGroupMembers"]


@pytest.mark.parametrize("etag", [False, True])
async def test_twenty_additions_at_once(gateway, sandbox, etag):
    """Twenty concurrent adds all succeed, with few PUTs."""
    sandbox.use(etag=etag)
    payloads = await asyncio.gather(*(add(gateway, name) for name in range(20)))
    for name, payload in enumerate(payloads):
        assert payload["issues"] == []
        assert f"Patient/{name}" in references(payload["group"])
    async with past(sandbox) as fhir:
        stored = references(await fhir.read(EMPTY_GROUP_ID))
    assert sorted(stored) == sorted(f"Patient/{name}" for name in range(20))
    assert writes(sandbox) == ["PUT 200"]


async def test_writes_of_different_callers_are_never_mixed(gateway, sandbox):
    """What a caller may not do fails for that caller alone: no PUT is on behalf of two."""
    answers = await asyncio.gather(
        gateway(ADD, input=EMPTY | {"members": patients(1)}),
        gateway(ADD, token="sandbox-read", input=EMPTY | {"members": patients(2)}),
        gateway(ADD, input=EMPTY | {"members": patients(3)}),
        gateway(ADD, token="nonsense", input=EMPTY | {"members": patients(4)}),
    )
    codes = [[e["extensions"]["code"] for e in answer.get("errors", ())] for answer in answers]
    assert codes == [[], ["FORBIDDEN"], [], ["UNAUTHENTICATED"]]
    async with past(sandbox) as fhir:
        stored = references(await fhir.read(EMPTY_GROUP_ID))
    assert stored == ["Patient/1", "Patient/3"]


@pytest.mark.parametrize("etag", [False, True])
async def test_one_that_is_refused_among_many(gateway, sandbox, etag):
    """One member of eight makes the upstream refuse the PUT: one add fails, seven succeed."""
    sandbox.use(etag=etag)
    names = [1, 2, 3, "4/_history/1", 5, 6, 7, 8]
    payloads = await asyncio.gather(*(add(gateway, name) for name in names))
    refused = payloads.pop(3)
    assert told(refused) == [("ERROR", "value", ["members", "0", "reference"])]
    assert [payload["issues"] for payload in payloads] == [[]] * 7
    async with past(sandbox) as fhir:
        stored = references(await fhir.read(EMPTY_GROUP_ID))
    assert sorted(stored) == [f"Patient/{name}" for name in (1, 2, 3, 5, 6, 7, 8)]


async def test_one_that_the_gateway_refuses_among_many(gateway, sandbox):
    """What can't be made is answered without a PUT, and the others share theirs."""
    wrong = EMPTY | {"members": [{"reference": "Practitioner/1"}]}
    one, other, refusal = await asyncio.gather(
        add(gateway, 1), add(gateway, 2), gateway.data(ADD, input=wrong)
    )
    assert one["issues"] == other["issues"] == []
    assert told(refusal["addGroupMembers"]) == [
        ("ERROR", "business-rule", ["members", "0", "reference"])
    ]
    assert writes(sandbox) == ["PUT 200"]


async def test_the_same_member_twice_at_once(gateway, sandbox):
    """Two callers add the same one: it is a member once."""
    payloads = await asyncio.gather(add(gateway, 1), add(gateway, 1))
    assert [told(payload) for payload in payloads] == [
        [],
        [("INFORMATION", "duplicate", ["members", "0"])],
    ]
    async with past(sandbox) as fhir:
        assert references(await fhir.read(EMPTY_GROUP_ID)) == ["Patient/1"]


async def test_what_a_later_one_undoes_is_no_reason_to_warn(gateway, sandbox):
    """In one PUT a member comes and goes, and another goes and comes: both callers are right."""
    await add(gateway, "old")
    payloads = await asyncio.gather(
        add(gateway, "new"),
        remove(gateway, "new"),
        remove(gateway, "old"),
        add(gateway, "old"),
    )
    assert [told(payload) for payload in payloads] == [[], [], [], []]
    async with past(sandbox) as fhir:
        assert references(await fhir.read(EMPTY_GROUP_ID)) == ["Patient/old"]
    # Nor is it a reason to believe that this upstream keeps members that are left out.
    await remove(gateway, "old")
    async with past(sandbox) as fhir:
        assert references(await fhir.read(EMPTY_GROUP_ID)) == []


@pytest.mark.parametrize("etag", [False, True])
async def test_bound_and_plain_updates_do_not_join(gateway, sandbox, etag):
    """Additions, an update and a write bound to a version at once: each by its own rules."""
    sandbox.use(etag=etag)
    version = (await add(gateway, 0))["group"]["version"]
    answers = await asyncio.gather(
        add(gateway, 1),
        add(gateway, 2, ifVersion=version),
        gateway.data(UPDATE, input={"id": EMPTY_GROUP_ID, "name": "Renamed"}),
        add(gateway, 3),
    )
    assert told(answers[0]) == told(answers[3]) == []
    assert told(answers[1]) == [("ERROR", "conflict", ["ifVersion"])]
    assert answers[2]["updateGroup"]["group"]["name"] == "Renamed"
    async with past(sandbox) as fhir:
        stored = await fhir.read(EMPTY_GROUP_ID)
    assert stored["name"] == "Renamed"
    assert references(stored) == ["Patient/0", "Patient/1", "Patient/3"]


async def test_responsibilities_set_twice_at_once(gateway):
    """The later one takes effect, and both succeed."""
    first = {"groupId": TEAM_ID, "responsibilities": ["REVIEW_COVERAGES"]}
    second = {"groupId": TEAM_ID, "responsibilities": ["COLLECT_PATIENT_PAYMENTS"]}
    answers = await asyncio.gather(
        gateway.data(ASSIGN, input=first), gateway.data(ASSIGN, input=second)
    )
    payloads = [answer["setGroupResponsibilities"] for answer in answers]
    assert [payload["issues"] for payload in payloads] == [[], []]
    assert payloads[1]["group"]["responsibilities"] == ["COLLECT_PATIENT_PAYMENTS"]


async def test_writes_of_different_groups_do_not_wait_for_each_other(make_gateway, sandbox):
    """A slow group delays no other group."""
    gateway = await make_gateway(upstream_timeout=5)
    async with past(sandbox) as fhir:
        other = await fhir.create(new_group(member=members(1)))
    sandbox.use(faults=(FaultRule(kind="hang", path=f"/Group/{EMPTY_GROUP_ID}"),))
    slow = asyncio.create_task(add(gateway, 1))
    await until(lambda: any(EMPTY_GROUP_ID in call for call in sandbox.calls))
    payload = (await gateway.data(ADD, input={"groupId": other, "members": patients(2)}))[
        "addGroupMembers"
    ]
    assert references(payload["group"]) == ["Patient/1", "Patient/2"]
    assert not slow.done()
    slow.cancel()
    await asyncio.wait([slow])


async def test_a_queue_that_is_too_long(make_gateway, sandbox):
    """Beyond a hundred waiting writes of one group the gateway says so at once."""
    gateway = await make_gateway(upstream_timeout=0.5)
    sandbox.use(faults=(FaultRule(kind="hang", method="GET", times=1),))
    update = {"id": EMPTY_GROUP_ID, "name": "Renamed"}
    first = asyncio.create_task(gateway(UPDATE, input=update))
    await until(lambda: methods(sandbox) == ["GET"])
    rest = [
        asyncio.create_task(gateway(ADD, input=EMPTY | {"members": patients(n)}))
        for n in range(101)
    ]
    done, _ = await asyncio.wait(rest, return_when=asyncio.FIRST_COMPLETED)
    [error] = done.pop().result()["errors"]
    assert error["extensions"]["code"] == "OVERLOADED"
    assert error["extensions"]["retryAfter"] == 1
    await asyncio.wait([first, *rest])
    async with past(sandbox) as fhir:
        assert len(references(await fhir.read(EMPTY_GROUP_ID))) == 100
