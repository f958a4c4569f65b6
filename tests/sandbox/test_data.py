"""What a sandbox holds at first, where it keeps it, and for how long."""

import gc
import time
import uuid

import httpx
import pytest

from group_gateway.sandbox import SandboxOptions, create_app
from group_gateway.sandbox import wellknown as known
from group_gateway.sandbox.checks.rules import broken_rules, responsibilities, wrong_values
from group_gateway.sandbox.checks.validation import check_group
from group_gateway.sandbox.data.document import seed_groups
from group_gateway.sandbox.data.generated import Sizes, generated_groups

SIZES = Sizes(person_groups=240, teams=20, medium_members=1_000, large_members=10_000)
VALUES = ("CodeableConcept", "Boolean", "Quantity", "Range", "Reference")


def served(app):
    """Build a client for an app, with all rights."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://sandbox.test",
        headers={"Authorization": "Bearer sandbox"},
    )


@pytest.fixture(scope="module")
def groups():
    """Return all the groups that a sandbox starts with, by id."""
    listed = [*seed_groups(), *generated_groups(SIZES)]
    by_id = {group["id"]: group for group in listed}
    assert len(by_id) == len(listed)
    return by_id


def test_the_documents_groups_come_first(groups):
    """Ids, names and sizes are those of the document's search example."""
    first = list(groups.values())[:6]
    assert [(group["id"], group["name"], len(group["member"])) for group in first] == [
        (known.TEST_GROUP_ID, "Test Group", 3),
        (known.TEST_GROUP_TWIN_ID, "Test Group", 3),
        (known.GOLD_KIDNEY_ID, "Gold Kidney Arizona", 1),
        (known.JESS_ID, "Jess", 1),
        (known.EMPTY_GROUP_ID, "Reba Test", 0),
        (known.FAVORITES_ID, "Kevin Carey's Favorites", 5),
    ]


def test_every_group_would_be_accepted(groups):
    """What the sandbox starts with keeps the rules that it holds others to."""
    for group in groups.values():
        assert check_group(group) == []
        assert list(wrong_values(group)) == []
        assert list(broken_rules(group)) == []
        assert str(uuid.UUID(group["id"])) == group["id"]


def test_the_set_is_the_same_on_every_start(groups):
    """Chance is seeded."""
    assert list(generated_groups(SIZES)) == list(groups.values())[6:]


def test_the_sizes_vary(groups):
    """There are groups of all sizes up to 30, one of 1,000 and one of 10,000."""
    sizes = {len(group["member"]) for group in groups.values()}
    assert set(range(31)) < sizes
    assert len(groups[known.MEDIUM_GROUP_ID]["member"]) == 1_000
    assert len(groups[known.LARGE_GROUP_ID]["member"]) == 10_000


def test_the_rich_group_has_everything(groups):
    """It shows every element of R4 and all kinds of value."""
    rich = groups[known.RICH_GROUP_ID]
    assert {"text", "contained", "extension", "identifier", "managingEntity", "_name"} < set(rich)
    kinds = [name for item in rich["characteristic"] for name in item if name.startswith("value")]
    assert kinds == [f"value{kind}" for kind in VALUES]
    assert any(member.get("inactive") for member in rich["member"])


def test_responsibilities_are_held_once_or_free(groups):
    """Each of the eleven has one team, or none."""
    held = [code for group in groups.values() for code in responsibilities(group)]
    assert sorted([*held, *known.UNASSIGNED_RESPONSIBILITIES]) == sorted(known.RESPONSIBILITIES)
    assert responsibilities(groups[known.TEAM_ID]) == list(known.TEAM_RESPONSIBILITIES)


def test_a_patient_is_in_few_groups(groups):
    """A patient's groups are some, and the 10,000 are in no other."""
    counts = {}
    for group in groups.values():
        for member in group["member"]:
            reference = member["entity"]["reference"]
            counts[reference] = counts.get(reference, 0) + 1
    assert 2 < max(counts.values()) < 12
    large = groups[known.LARGE_GROUP_ID]["member"]
    assert {counts[member["entity"]["reference"]] for member in large} == {1}


async def test_sizes_are_options(start):
    """How much is generated can be chosen."""
    client = start(person_groups=3, teams=1, medium_members=5, large_members=7)
    assert (await client.get("/Group")).json()["total"] == 6 + 1 + 1 + 3 + 2 + 2
    assert (await client.group(known.LARGE_GROUP_ID))["quantity"] == 7


async def test_a_sandbox_may_start_empty(start):
    """Without seed there is nothing, and a first group can be made."""
    client = start(seed=False)
    assert (await client.get("/Group")).json()["total"] == 0
    assert await client.group(await client.created())


async def test_each_app_has_its_own_data(start):
    """In memory, a write to one sandbox is not seen in another."""
    one, other = start(), start()
    identity = await one.created()
    assert (await other.get(f"/Group/{identity}")).status_code == 404


async def test_a_start_is_quick():
    """Sizes never asked for before are filled in within a second of work, later apps at once."""
    for limit in (1.0, 0.1):
        begun = time.process_time()
        app = create_app(SandboxOptions(person_groups=241))
        async with served(app) as client:
            assert (await client.get("/Group")).status_code == 200
        assert time.process_time() - begun < limit


async def test_a_file_outlives_the_app(tmp_path):
    """With a path, data survives a restart, and is not seeded again."""
    options = SandboxOptions(database=str(tmp_path / "groups.db"), person_groups=2)
    body = {"resourceType": "Group", "type": "person", "actual": True, "name": "Kept"}
    app = create_app(options)
    async with app.router.lifespan_context(app), served(app) as client:
        total = (await client.get("/Group")).json()["total"]
        url = (await client.post("/Group", json=body)).headers["location"]
    app = create_app(options)
    async with app.router.lifespan_context(app), served(app) as client:
        assert (await client.get(url)).json()["name"] == "Kept"
        assert (await client.get("/Group")).json()["total"] == total + 1


async def test_a_file_can_be_reset(tmp_path):
    """A reset brings the seed back into a file."""
    options = SandboxOptions(database=str(tmp_path / "groups.db"), person_groups=2)
    app = create_app(options)
    async with served(app) as client:
        total = (await client.get("/Group")).json()["total"]
        body = {"resourceType": "Group", "type": "person", "actual": True, "name": "Gone"}
        url = (await client.post("/Group", json=body)).headers["location"]
        assert (await client.post("/sandbox/reset")).status_code == 204
        assert (await client.get(url)).status_code == 404
        assert (await client.get("/Group")).json()["total"] == total
    app.state.sandbox.close()


async def test_two_apps_share_a_file(tmp_path):
    """Two apps on one file see each other's writes."""
    options = SandboxOptions(database=str(tmp_path / "groups.db"), seed=False)
    one, other = create_app(options), create_app(options)
    body = {"resourceType": "Group", "type": "person", "actual": True, "name": "Shared"}
    async with served(one) as first, served(other) as second:
        url = (await first.post("/Group", json=body)).headers["location"]
        assert (await second.get(url)).json()["name"] == "Shared"
    one.state.sandbox.close()
    other.state.sandbox.close()


async def test_nothing_is_opened_before_the_first_request(tmp_path):
    """Building an app touches no file."""
    path = tmp_path / "groups.db"
    create_app(SandboxOptions(database=str(path)))
    assert not path.exists()


async def test_an_app_that_is_let_go_closes_its_database():
    """Without a lifespan nothing is left open: a ResourceWarning would fail this test."""
    app = create_app()
    async with served(app) as client:
        await client.get("/Group")
    del app, client
    gc.collect()


def test_a_sandbox_can_be_closed_at_any_time():
    """Closing one that was never used, or twice, does nothing."""
    sandbox = create_app().state.sandbox
    sandbox.close()
    assert not sandbox.store.empty()
    sandbox.close()
    sandbox.close()


async def test_a_closed_sandbox_opens_again():
    """After a shutdown the next request finds the seed."""
    app = create_app()
    for _ in range(2):
        async with app.router.lifespan_context(app), served(app) as client:
            assert (await client.get(f"/Group/{known.TEAM_ID}")).status_code == 200
