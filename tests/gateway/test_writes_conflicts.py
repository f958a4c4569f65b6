"""No lost update: a write never overwrites a change that its caller has not seen."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from gateway.writing import (
    ADD,
    ASSIGN,
    REMOVE,
    UPDATE,
    Way,
    methods,
    new_group,
    on,
    past,
    patients,
    references,
    told,
    writes,
)
from group_gateway.sandbox.quirks import FaultRule
from group_gateway.sandbox.wellknown import TEAM_ID, TEST_GROUP_ID

VERSION = "query ($id: ID!) { group(id: $id) { version name member { entity { reference } } } }"
GROUP = {"groupId": TEST_GROUP_ID}
# Each mutation, with an input that changes something.
CHANGES = {
    "updateGroup": (UPDATE, {"id": TEST_GROUP_ID, "name": "Mine"}),
    "addGroupMembers": (ADD, GROUP | {"members": patients("new")}),
    "removeGroupMembers": (
        REMOVE,
        GROUP | {"members": patients("cf10ff9d14d0429cb5bb7040611d1a24")},
    ),
    "setGroupResponsibilities": (ASSIGN, {"groupId": TEAM_ID, "responsibilities": []}),
}


def group_of(wanted: dict[str, Any]) -> str:
    """Return the id of the group that an input is about."""
    return str(wanted.get("id") or wanted["groupId"])


@pytest.mark.parametrize("etag", [False, True])
@pytest.mark.parametrize("field", CHANGES)
async def test_a_version_that_was_read(gateway, sandbox, field, etag):
    """A write that names the version it read goes through, and the version is another one then."""
    sandbox.use(etag=etag)
    document, wanted = CHANGES[field]
    version = (await gateway.data(VERSION, id=group_of(wanted)))["group"]["version"]
    payload = (await gateway.data(document, input=wanted | {"ifVersion": version}))[field]
    assert payload["issues"] == []
    assert payload["group"]["version"] != version


@pytest.mark.parametrize("etag", [False, True])
@pytest.mark.parametrize("version", ["v-0", "h-00", "", "💥" * 5000])
@pytest.mark.parametrize("field", CHANGES)
async def test_an_unknown_version(gateway, sandbox, field, version, etag):
    """It comes back as data with the current group, and nothing was written."""
    sandbox.use(etag=etag)
    document, wanted = CHANGES[field]
    payload = (await gateway.data(document, input=wanted | {"ifVersion": version}))[field]
    assert told(payload) == [("ERROR", "conflict", ["ifVersion"])]
    assert payload["group"]["id"] == group_of(wanted)
    assert methods(sandbox) == ["GET"]


@pytest.mark.parametrize("field", CHANGES)
async def test_null_is_no_version(gateway, sandbox, field):
    """With null for a version a write is bound to none."""
    document, wanted = CHANGES[field]
    payload = (await gateway.data(document, input=wanted | {"ifVersion": None}))[field]
    assert payload["issues"] == []
    assert "PUT 200" in writes(sandbox)


@pytest.mark.parametrize("field", CHANGES)
async def test_after_a_conflict_reads_see_what_others_wrote(gateway, sandbox, field):
    """A client that reads again after a conflict gets the state that it conflicted with."""
    document, wanted = CHANGES[field]
    id = group_of(wanted)
    version = (await gateway.data(VERSION, id=id))["group"]["version"]
    async with past(sandbox) as fhir:
        await fhir.change(id, name="Theirs")
    payload = (await gateway.data(document, input=wanted | {"ifVersion": version}))[field]
    assert told(payload) == [("ERROR", "conflict", ["ifVersion"])]
    current = (await gateway.data(VERSION, id=id))["group"]
    assert current["name"] == "Theirs"
    assert current["version"] == payload["group"]["version"]


class Meanwhile(Way):
    """A transport on which another writer is faster.

    After the gateway's first `times` reads of a group, the other writer changes its name.
    """

    def __init__(self, sandbox: Any, times: int = 1) -> None:
        super().__init__(sandbox)
        self.times = times

    async def answered(self, response: httpx.Response) -> None:
        """Change the group."""
        if response.request.method == "GET" and self.times:
            self.times -= 1
            async with past(self.sandbox) as fhir:
                id = response.request.url.path.rpartition("/")[2]
                await fhir.change(id, name=f"Theirs {self.times}")


@pytest.mark.parametrize("etag", [False, True])
async def test_an_update_meets_a_faster_one(sandbox, etag):
    """A plain update that would overwrite another one is a conflict, with the group as it is."""
    sandbox.use(etag=etag)
    async with on(Meanwhile(sandbox)) as gateway:
        payload = (await gateway.data(UPDATE, input={"id": TEST_GROUP_ID, "name": "Mine"}))[
            "updateGroup"
        ]
    assert told(payload) == [("ERROR", "conflict", [])]
    assert payload["group"]["name"] == "Theirs 0"
    async with past(sandbox) as fhir:
        assert (await fhir.read(TEST_GROUP_ID))["name"] == "Theirs 0"


@pytest.mark.parametrize("etag", [False, True])
@pytest.mark.parametrize("field", ["addGroupMembers", "removeGroupMembers"])
async def test_a_change_of_members_meets_faster_ones(sandbox, field, etag):
    """A change of members is made on top of what others did, however often they are faster."""
    sandbox.use(etag=etag)
    document, wanted = CHANGES[field]
    async with on(Meanwhile(sandbox, times=3)) as gateway:
        payload = (await gateway.data(document, input=wanted))[field]
    assert payload["issues"] == []
    async with past(sandbox) as fhir:
        stored = await fhir.read(TEST_GROUP_ID)
    assert stored["name"] == "Theirs 0"
    assert references(stored) == references(payload["group"])
    assert ("Patient/new" in references(stored)) == (field == "addGroupMembers")


async def test_others_who_never_stop(sandbox):
    """After many tries a change of members is a conflict too, with the group as it is now."""
    sandbox.use(etag=True)
    async with on(Meanwhile(sandbox, times=100)) as gateway:
        wanted = GROUP | {"members": patients("new")}
        payload = (await gateway.data(ADD, input=wanted))["addGroupMembers"]
    assert told(payload) == [("ERROR", "conflict", [])]
    assert payload["group"]["name"].startswith("Theirs")
    assert "Patient/new" not in references(payload["group"])


class Late(Meanwhile):
    """A way on which the answer to a read is stamped in the second after the read."""

    async def answered(self, response: httpx.Response) -> None:
        """Change the group, and stamp the answer as if the next second had begun since."""
        late = self.times and response.request.method == "GET"
        await super().answered(response)
        if late:
            self.sandbox.use(etag=True)  # shows when the group was changed
            async with past(self.sandbox) as fhir:
                meta = (await fhir.read(TEST_GROUP_ID))["meta"]
            changed = datetime.fromisoformat(meta["lastUpdated"]).astimezone(UTC)
            self.sandbox.use(clock_skew_s=1.0)
            response.headers["date"] = format_datetime(changed + timedelta(seconds=1), usegmt=True)


async def test_a_change_between_the_read_and_its_stamp(sandbox):
    """The stamp of an answer is younger than what it shows: a change in between is not lost."""
    async with on(Late(sandbox)) as gateway:
        payload = (await gateway.data(UPDATE, input={"id": TEST_GROUP_ID, "active": False}))[
            "updateGroup"
        ]
    assert told(payload) == [("ERROR", "conflict", [])]
    async with past(sandbox) as fhir:
        assert (await fhir.read(TEST_GROUP_ID))["name"] == "Theirs 0"


class Tagged(Meanwhile):
    """A way that tags answers by their content, as web frameworks and proxies do."""

    async def answered(self, response: httpx.Response) -> None:
        """Tag the answer."""
        await super().answered(response)
        response.headers["etag"] = 'W/"5f2b"'


async def test_an_entity_tag_that_the_upstream_knows_nothing_of(sandbox):
    """A tag that is not the version's is no protection, and is not taken for one."""
    async with on(Tagged(sandbox, times=2)) as gateway:
        payload = (await gateway.data(ADD, input=GROUP | {"members": patients("new")}))[
            "addGroupMembers"
        ]
    assert payload["issues"] == []
    async with past(sandbox) as fhir:
        stored = await fhir.read(TEST_GROUP_ID)
    assert stored["name"] == "Theirs 0"
    assert "Patient/new" in references(stored)
    # One more where the clock's next second began between a read and its stamp.
    assert writes(sandbox).count("PUT 412") >= 2


class Timeless(Way):
    """A way that loses the upstream's clock."""

    async def answered(self, response: httpx.Response) -> None:
        """Remove the `Date` of the response."""
        del response.headers["date"]


async def test_an_upstream_without_clock_and_tags(sandbox):
    """Without versions and clock the change is made, with a warning."""
    async with on(Timeless(sandbox)) as gateway:
        payload = (await gateway.data(ADD, input=GROUP | {"members": patients("new")}))[
            "addGroupMembers"
        ]
        assert told(payload) == [("WARNING", "incomplete", [])]
        assert "Patient/new" in references(payload["group"])
        again = (await gateway.data(ADD, input=GROUP | {"members": patients("new")}))[
            "addGroupMembers"
        ]
    assert told(again) == [("INFORMATION", "duplicate", ["members", "0"])]


@pytest.mark.parametrize("etag", [False, True])
@pytest.mark.parametrize("status", [409, 412])
async def test_a_conflict_that_has_nothing_to_do_with_changes(gateway, sandbox, status, etag):
    """After a few refusals of the same state, the upstream's conflict is reported."""
    fault = FaultRule(kind="status", status=status, method="PUT")
    sandbox.use(etag=etag, faults=(fault,))
    payload = (await gateway.data(ADD, input=GROUP | {"members": patients("new")}))[
        "addGroupMembers"
    ]
    assert told(payload)[0][:2] == ("ERROR", "conflict")
    assert payload["group"]["id"] == TEST_GROUP_ID
    assert writes(sandbox) == [f"PUT {status}"] * 4


async def test_no_call_is_wasted_on_the_second_of_our_own_write(gateway, sandbox):
    """Write after write goes through at the first try: the gateway knows when it wrote last."""
    for name in range(3):
        await gateway.data(UPDATE, input={"id": TEST_GROUP_ID, "name": f"Name {name}"})
    assert writes(sandbox) == ["PUT 200"] * 3


async def test_a_group_that_was_just_created(gateway, sandbox):
    """Also the second of a create is known."""
    create = "mutation ($input: CreateGroupInput!) { createGroup(input: $input) { group { id } } }"
    made = await gateway.data(create, input={"type": "PERSON", "name": "New"})
    id = made["createGroup"]["group"]["id"]
    await gateway.data(ADD, input={"groupId": id, "members": patients(1)})
    assert writes(sandbox) == ["POST 201", "PUT 200"]


@pytest.mark.parametrize("skew", [-7200.0, 7200.0])
async def test_the_upstreams_clock_is_another_one_than_ours(gateway, sandbox, skew):
    """Only the upstream's clock counts, and it may be set in the middle."""
    await gateway.data(UPDATE, input={"id": TEST_GROUP_ID, "name": "One"})
    sandbox.use(clock_skew_s=skew)
    async with past(sandbox) as fhir:
        id = await fhir.create(new_group())
    for name in ("Two", "Three"):
        payload = (await gateway.data(UPDATE, input={"id": id, "name": name}))["updateGroup"]
        assert told(payload) == []
        assert payload["group"]["name"] == name


async def test_two_updates_at_once(gateway):
    """Of two that set the same element at once both are made, one after the other."""
    updates = [{"id": TEST_GROUP_ID, "name": "A"}, {"id": TEST_GROUP_ID, "name": "B"}]
    answers = await asyncio.gather(*(gateway.data(UPDATE, input=update) for update in updates))
    names = [answer["updateGroup"]["group"]["name"] for answer in answers]
    assert names == ["A", "B"]
    assert (await gateway.data(VERSION, id=TEST_GROUP_ID))["group"]["name"] == "B"
