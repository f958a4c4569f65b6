"""A create is sent once, comes to its end, and says under which id."""

import httpx
import pytest

from gateway.canned import outcome
from gateway.keeper import BASE, Keeper, group_of, payload_of
from gateway.writing import (
    CREATE,
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
from group_gateway.sandbox.quirks import FaultRule
from group_gateway.sandbox.wellknown import HIDDEN_TEAM_ID
from waiting import until

PLAIN = {"type": "PERSON", "name": "New", "member": patients(1)}
COUNT = "{ groups { totalCount } }"


@pytest.mark.parametrize("body", ["null", "empty", "full"])
@pytest.mark.parametrize(
    "location", ["relative", "absolute", "history", "absolute-history", "http"]
)
async def test_the_new_id_comes_from_the_location(gateway, sandbox, location, body):
    """However the upstream writes the address of what it made, the payload is the new group."""
    sandbox.use(location=location, create_body=body)
    payload = (await gateway.data(CREATE, input=PLAIN))["createGroup"]
    async with past(sandbox) as fhir:
        stored = await fhir.read(payload["group"]["id"])
    assert (stored["name"], references(stored)) == ("New", ["Patient/1"])
    assert payload["group"]["name"] == "New"
    assert payload["issues"] == []


async def test_the_new_id_comes_from_the_content_location():
    """Some servers name what they made only there."""
    keeper = Keeper(group_of())
    place = {"content-location": f"{BASE}/Group/1/_history/1"}
    keeper.replies["POST"] = httpx.Response(201, headers=place)
    payload = await payload_of(keeper, CREATE, **PLAIN)
    assert payload["group"]["id"] == "1"


async def test_a_body_that_names_another_group_than_the_location():
    """The group is where the location says, whatever a server sends back."""
    keeper = Keeper(group_of(), etag=True, echo=group_of(id="draft", name="Sent"))
    payload = await payload_of(keeper, CREATE, **PLAIN)
    assert (payload["group"]["id"], payload["group"]["name"]) == ("1", "New")
    assert payload["issues"] == []


async def test_an_error_beside_a_group_that_was_created():
    """What a server says of a group that it created as asked is a warning."""
    keeper = Keeper(group_of(), etag=True, echo=outcome("invalid", "Odd"))
    payload = await payload_of(keeper, CREATE, **PLAIN)
    assert payload["group"]["id"] == "1"
    assert told(payload) == [("WARNING", "invalid", [])]


async def test_a_full_body_saves_the_read(gateway, sandbox):
    """What the upstream sends along with its answer is not asked for again."""
    sandbox.use(create_body="full")
    await gateway.data(CREATE, input=PLAIN)
    assert methods(sandbox) == ["POST"]


async def test_a_full_body_needs_no_location(gateway, sandbox):
    """The body says the id as well as a Location does."""
    sandbox.use(location="none", create_body="full")
    payload = (await gateway.data(CREATE, input=PLAIN))["createGroup"]
    assert payload["group"]["name"] == "New"


@pytest.mark.parametrize("body", ["null", "empty"])
async def test_a_create_that_names_no_group(gateway, sandbox, body):
    """A create without Location and body is an error that says that the group is unknown."""
    sandbox.use(location="none", create_body=body)
    answer = await gateway(CREATE, input=PLAIN)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"
    assert error["message"] == (
        "The upstream did not say under which id it created the group. It is not known whether the"
        " group was created: look before you create it again."
    )


LOST = {
    "a 500 before it": (FaultRule(kind="status", method="POST"), "UPSTREAM_UNAVAILABLE"),
    "a 503 after it": (
        FaultRule(kind="status", status=503, method="POST", after=True),
        "UPSTREAM_UNAVAILABLE",
    ),
    "a timeout": (FaultRule(kind="hang", method="POST"), "UPSTREAM_TIMEOUT"),
}


@pytest.mark.parametrize("name", LOST)
async def test_a_create_is_never_sent_twice(make_gateway, sandbox, name):
    """When the response is lost, the error says that the group may exist; there is no retry."""
    fault, code = LOST[name]
    gateway = await make_gateway(upstream_timeout=0.2)
    sandbox.use(faults=(fault,))
    [error] = (await gateway(CREATE, input=PLAIN))["errors"]
    assert error["extensions"]["code"] == code
    assert "It is not known whether the group was created" in error["message"]
    assert methods(sandbox) == ["POST"]


async def test_searches_forget_what_they_knew_though_the_answer_was_lost(make_gateway, sandbox):
    """A create that took effect without an answer is found by the next search."""
    gateway = await make_gateway(upstream_timeout=0.2)
    before = (await gateway.data(COUNT))["groups"]["totalCount"]
    sandbox.use(faults=(FaultRule(kind="status", method="POST", after=True),))
    await gateway(CREATE, input=PLAIN)
    assert (await gateway.data(COUNT))["groups"]["totalCount"] == before + 1


READ_BACK = {
    "a failing read": FaultRule(kind="status", status=503, method="GET"),
    "a missing group": FaultRule(kind="status", status=404, method="GET"),
    "nonsense": FaultRule(kind="not_json", method="GET"),
}


@pytest.mark.parametrize("name", READ_BACK)
async def test_a_create_that_can_not_be_read_back_went_well(gateway, sandbox, name):
    """The caller gets the new id in any case, or it would create the group again."""
    sandbox.use(faults=(READ_BACK[name],))
    payload = (await gateway.data(CREATE, input=PLAIN))["createGroup"]
    assert told(payload) == [("WARNING", "transient", [])]
    sandbox.use()
    async with past(sandbox) as fhir:
        assert (await fhir.read(payload["group"]["id"]))["name"] == "New"


async def test_a_budget_that_ends_with_the_create(make_gateway):
    """An operation without calls left for reading back still returns the created group."""
    gateway = await make_gateway(upstream_calls=1)
    payload = (await gateway.data(CREATE, input=PLAIN))["createGroup"]
    assert payload["group"]["name"] == "New"
    assert told(payload) == [("WARNING", "transient", [])]


@pytest.mark.parametrize(
    ("token", "code"), [("nonsense", "UNAUTHENTICATED"), ("sandbox-read", "FORBIDDEN")]
)
async def test_who_may_not_create(gateway, sandbox, token, code):
    """What the caller can't put right is an error, and nothing was made."""
    [error] = (await gateway(CREATE, token=token, input=PLAIN))["errors"]
    assert error["extensions"]["code"] == code
    assert [status for status in writes(sandbox) if "201" in status] == []


async def test_an_upstreams_refusal_has_its_place_in_the_input(gateway):
    """Where the upstream names a place of the body it was sent, the issue has the input's."""
    wrong = {
        "member": patients(1, "2/_history/3"),
        "identifier": [{"value": "1"}, {"use": "two  spaces", "value": "2"}],
    }
    payload = (await gateway.data(CREATE, input={**PLAIN, **wrong}))["createGroup"]
    assert payload["group"] is None
    assert told(payload) == [("ERROR", "value", ["identifier", "1", "use"])]
    del wrong["identifier"]
    payload = (await gateway.data(CREATE, input={**PLAIN, **wrong}))["createGroup"]
    assert told(payload) == [("ERROR", "value", ["member", "1", "reference"])]


async def test_a_responsibility_that_another_team_has(gateway):
    """The clash is data, at the responsibility that clashes; nothing was created."""
    codes = ["REVIEW_COVERAGES", "COLLECT_SPECIMENS_FROM_PATIENT"]
    team = {"type": "PRACTITIONER", "name": "Late", "responsibilities": codes}
    payload = (await gateway.data(CREATE, input=team))["createGroup"]
    assert payload["group"] is None
    assert told(payload) == [("ERROR", "business-rule", ["responsibilities", "1"])]
    assert HIDDEN_TEAM_ID not in str(payload)


async def test_what_a_create_did_not_store(gateway, sandbox):
    """Elements that the upstream dropped are warnings at their place; the group exists."""
    sandbox.use(ignores_elements=("active", "characteristic"))
    team = {
        "type": "PRACTITIONER",
        "name": "Team",
        "active": False,
        "responsibilities": ["REVIEW_COVERAGES"],
    }
    payload = (await gateway.data(CREATE, input=team))["createGroup"]
    assert payload["group"]["name"] == "Team"
    places = [["active"], ["responsibilities"]]
    assert told(payload) == [("WARNING", "incomplete", place) for place in places]


async def test_a_create_goes_on_when_its_client_leaves(gateway, sandbox):
    """A client that goes away in the middle can't leave searches with an old answer."""
    before = (await gateway.data(COUNT))["groups"]["totalCount"]
    sandbox.forget_calls()
    sandbox.use(latency_ms=200)
    await leave(gateway(CREATE, input=PLAIN), lambda: "POST" in methods(sandbox))
    await until(lambda: methods(sandbox) == ["POST", "GET"])  # read back after all is forgotten
    assert (await gateway.data(COUNT))["groups"]["totalCount"] == before + 1


async def test_the_gateway_closes_after_the_write(sandbox):
    """A gateway that shuts down waits for a write whose client has left."""
    sandbox.use(latency_ms=200)
    async with on(Way(sandbox)) as gateway:
        await leave(gateway(CREATE, input=PLAIN), lambda: "POST" in methods(sandbox))
    assert methods(sandbox) == ["POST", "GET"]
    assert writes(sandbox) == ["POST 201"]


async def test_a_name_is_no_key(gateway):
    """Two groups may have the same name."""
    first = (await gateway.data(CREATE, input=PLAIN))["createGroup"]
    second = (await gateway.data(CREATE, input=PLAIN))["createGroup"]
    assert first["group"]["id"] != second["group"]["id"]
    assert told(first) == told(second) == []
