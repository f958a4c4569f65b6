"""A lost response: the caller learns whether the change was made, or that this is unknown."""

import asyncio
from types import SimpleNamespace

import pytest

from gateway.writing import (
    ADD,
    UPDATE,
    Then,
    Way,
    leave,
    methods,
    on,
    past,
    patients,
    references,
    told,
    writes,
)
from group_gateway.sandbox import SandboxOptions, create_app
from group_gateway.sandbox.quirks import FaultRule
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from waiting import until

RENAME = {"id": TEST_GROUP_ID, "name": "Mine"}
JOIN = {"groupId": TEST_GROUP_ID, "members": patients("new")}
NAME = "query ($id: ID!) { group(id: $id) { name } }"

TOOK_EFFECT = {
    "a 500": FaultRule(kind="status", method="PUT", after=True, times=1),
    "a 504": FaultRule(kind="status", status=504, method="PUT", after=True, times=1),
    "a redirect": FaultRule(kind="status", status=302, method="PUT", after=True, times=1),
    "a 404 of a proxy": FaultRule(
        kind="status", status=404, body="html", method="PUT", after=True, times=1
    ),
    "a connection that breaks": FaultRule(kind="reset", method="PUT", times=1),
    "silence": FaultRule(kind="hang", method="PUT", after=True, times=1),
}
NO_EFFECT = {
    "a login page": (
        FaultRule(kind="html", method="PUT", status=200),
        "UPSTREAM_INVALID_RESPONSE",
    ),
    "a 500": (FaultRule(kind="status", method="PUT"), "UPSTREAM_UNAVAILABLE"),
    "a 504": (FaultRule(kind="status", status=504, method="PUT"), "UPSTREAM_TIMEOUT"),
    "a redirect": (
        FaultRule(kind="status", status=302, method="PUT"),
        "UPSTREAM_INVALID_RESPONSE",
    ),
    "silence": (FaultRule(kind="hang", method="PUT"), "UPSTREAM_TIMEOUT"),
}


@pytest.mark.parametrize("name", TOOK_EFFECT)
async def test_a_put_that_took_effect_without_an_answer(make_gateway, sandbox, name):
    """The group is read again, and is as asked: the payload has it, with a warning."""
    gateway = await make_gateway(upstream_timeout=0.3)
    await gateway.data(NAME, id=TEST_GROUP_ID)
    sandbox.use(faults=(TOOK_EFFECT[name],))
    payload = (await gateway.data(UPDATE, input=RENAME))["updateGroup"]
    assert payload["group"]["name"] == "Mine"
    assert told(payload) == [("WARNING", "transient", [])]
    assert (await gateway.data(NAME, id=TEST_GROUP_ID))["group"]["name"] == "Mine"
    assert methods(sandbox).count("PUT") == 1


@pytest.mark.parametrize("kind", ["truncated", "not_json", "html"])
async def test_a_put_with_nonsense_for_an_answer(gateway, sandbox, kind):
    """A status of success is no proof: the group is read again, and is as asked."""
    sandbox.use(update_body="full", faults=(FaultRule(kind=kind, method="PUT", after=True),))
    payload = (await gateway.data(UPDATE, input=RENAME))["updateGroup"]
    assert payload["group"]["name"] == "Mine"
    assert told(payload) == [("WARNING", "transient", [])]
    assert methods(sandbox) == ["GET", "PUT", "GET"]


@pytest.mark.parametrize("name", NO_EFFECT)
async def test_a_put_without_answer_and_effect(make_gateway, sandbox, name):
    """It may still take effect: the error says that this is unknown, and no second PUT is sent."""
    fault, code = NO_EFFECT[name]
    gateway = await make_gateway(upstream_timeout=0.3)
    sandbox.use(faults=(fault,))
    answer = await gateway(UPDATE, input=RENAME)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == code
    assert error["message"].endswith(
        "It is not known whether the change was made: read the group again."
    )
    assert methods(sandbox) == ["GET", "PUT", "GET"]


async def test_a_put_whose_end_can_not_be_found_out(sandbox):
    """When the read after a lost answer fails too, the error is that of the write."""
    lost = FaultRule(kind="status", status=502, method="PUT", after=True)
    refused = FaultRule(kind="status", status=403, method="GET")
    async with on(Then(sandbox, "GET", faults=(lost, refused))) as gateway:
        [error] = (await gateway(UPDATE, input=RENAME))["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert "502" in error["message"]
    assert "not known whether the change was made" in error["message"]


READS = {
    "a 500": (FaultRule(kind="status", method="GET"), "UPSTREAM_UNAVAILABLE"),
    "silence": (FaultRule(kind="hang", method="GET"), "UPSTREAM_TIMEOUT"),
    "nonsense": (FaultRule(kind="not_json", method="GET"), "UPSTREAM_INVALID_RESPONSE"),
}


@pytest.mark.parametrize("name", READS)
async def test_a_read_that_fails_before_the_put(make_gateway, sandbox, name):
    """Nothing was sent, and the error says so."""
    fault, code = READS[name]
    gateway = await make_gateway(upstream_timeout=0.3)
    sandbox.use(faults=(fault,))
    [error] = (await gateway(UPDATE, input=RENAME))["errors"]
    assert error["extensions"]["code"] == code
    assert error["message"].endswith("The change was not made.")
    assert methods(sandbox) == ["GET"]


async def test_a_put_that_can_not_be_read_back_went_well(sandbox):
    """A change that was made is no error, though the upstream broke down right after it."""
    broken = FaultRule(kind="status")
    async with on(Then(sandbox, "PUT", faults=(broken,))) as gateway:
        payload = (await gateway.data(UPDATE, input=RENAME))["updateGroup"]
    assert payload["group"]["name"] == "Mine"
    assert told(payload) == [("WARNING", "transient", [])]


@pytest.mark.parametrize(
    ("token", "code"), [("nonsense", "UNAUTHENTICATED"), ("sandbox-read", "FORBIDDEN")]
)
async def test_who_may_not_write(gateway, sandbox, token, code):
    """What the caller can't put right is an error, and the group stays as it is."""
    [error] = (await gateway(UPDATE, token=token, input=RENAME))["errors"]
    assert error["extensions"]["code"] == code
    assert "PUT 200" not in writes(sandbox)
    async with past(sandbox) as fhir:
        assert (await fhir.read(TEST_GROUP_ID))["name"] != "Mine"


async def test_an_upstream_that_asks_for_fewer_requests(gateway, sandbox):
    """A 429 is an error with the time to wait, and is not tried again."""
    fault = FaultRule(kind="status", status=429, method="PUT", retry_after=7)
    sandbox.use(faults=(fault,))
    [error] = (await gateway(UPDATE, input=RENAME))["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert error["extensions"]["retryAfter"] == 7
    assert writes(sandbox) == ["PUT 429"]


@pytest.mark.parametrize("status", [404, 410])
async def test_a_group_that_goes_away_in_the_middle(sandbox, status):
    """To the PUT that means what it means to the read: there is no such group."""
    gone = FaultRule(kind="status", status=status)
    async with on(Then(sandbox, "GET", faults=(gone,))) as gateway:
        payload = (await gateway.data(UPDATE, input=RENAME))["updateGroup"]
    assert payload["group"] is None
    assert told(payload) == [("ERROR", "not-found", ["id"])]


async def test_time_runs_out_while_the_put_is_under_way(make_gateway, sandbox):
    """The operation's own deadline passes in the middle of a PUT: the outcome is unknown."""
    gateway = await make_gateway(deadline=0.5)
    sandbox.use(faults=(FaultRule(kind="hang", method="PUT"),))
    [error] = (await gateway(UPDATE, input=RENAME))["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_TIMEOUT"
    assert "not known whether the change was made" in error["message"]


async def test_time_runs_out_in_the_queue(make_gateway, sandbox):
    """What waits behind a slow write is not made when its time is up, and the error says so."""
    gateway = await make_gateway(deadline=0.5)
    sandbox.use(latency_ms=300)
    first = asyncio.create_task(gateway(UPDATE, input=RENAME))
    await until(lambda: methods(sandbox) == ["GET"])
    [error] = (await gateway(ADD, input=JOIN))["errors"]
    await first
    assert error["extensions"]["code"] == "UPSTREAM_TIMEOUT"
    assert error["message"].endswith("The change was not made.")
    sandbox.use()
    sandbox.forget_calls()
    payload = (await gateway.data(UPDATE, input={"id": TEST_GROUP_ID, "active": True}))[
        "updateGroup"
    ]
    assert "Patient/new" not in references(payload["group"])


async def test_time_runs_out_while_the_second_of_the_last_write_lasts():
    """A write that waits for the upstream's clock until its time is up was not made."""
    app = create_app(SandboxOptions(clock=lambda: 1_800_000_000.5))
    sandbox = SimpleNamespace(app=app)
    async with on(Way(sandbox), deadline=2) as gateway:
        payload = (await gateway.data(UPDATE, input=RENAME))["updateGroup"]
        assert payload["issues"] == []
        [error] = (await gateway(ADD, input=JOIN))["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_TIMEOUT"
    assert error["message"].endswith("The change was not made.")
    assert writes(sandbox) == ["PUT 200"]


async def test_a_write_goes_on_when_its_client_leaves(gateway, sandbox):
    """A client that goes away in the middle leaves a whole write behind, and no stale cache."""
    await gateway.data(NAME, id=TEST_GROUP_ID)
    sandbox.forget_calls()
    sandbox.use(latency_ms=200)
    await leave(gateway(UPDATE, input=RENAME), lambda: "PUT" in methods(sandbox))
    await until(lambda: methods(sandbox) == ["GET", "PUT", "GET"])
    assert (await gateway.data(NAME, id=TEST_GROUP_ID))["group"]["name"] == "Mine"


async def test_others_in_the_queue_are_served_after_one_left(gateway, sandbox):
    """The next write of the group begins when the one of a client that left has ended."""
    sandbox.use(latency_ms=200)
    await leave(gateway(UPDATE, input=RENAME), lambda: "GET" in methods(sandbox))
    payload = (await gateway.data(ADD, input=JOIN))["addGroupMembers"]
    assert payload["group"]["name"] == "Mine"
    assert references(payload["group"])[-1] == "Patient/new"


async def test_a_failure_of_nobody_is_quiet(gateway, sandbox, caplog):
    """When the client has left and the write fails, no error is logged."""
    sandbox.use(latency_ms=200, faults=(FaultRule(kind="status", method="PUT"),))
    await leave(gateway(UPDATE, input=RENAME), lambda: "PUT" in methods(sandbox))
    await until(lambda: methods(sandbox) == ["GET", "PUT", "GET"])
    sandbox.use()
    await gateway.data(ADD, input=JOIN)
    assert caplog.records == []
