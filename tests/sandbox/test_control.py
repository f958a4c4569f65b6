"""`/sandbox/…`: quirks, the request log, resets; and `/metadata`."""

import asyncio
from dataclasses import fields

import pytest

from group_gateway.sandbox import FaultRule, Quirks
from group_gateway.sandbox.recorded_requests import LoggedRequest, RequestLog
from group_gateway.sandbox.wellknown import TEST_GROUP_ID


async def test_quirks_are_shown_whole(client):
    """Every quirk is listed with its value, the documented upstream's at first."""
    quirks = (await client.get("/sandbox/quirks")).json()
    assert list(quirks) == [field.name for field in fields(Quirks)]
    assert quirks["max_count"] == 100
    assert quirks["faults"] == []


async def test_quirks_are_set_whole(client):
    """A PUT sets what it names, and everything else back."""
    await client.put("/sandbox/quirks", json={"etag": True})
    answer = await client.put(
        "/sandbox/quirks", json={"no_total": True, "faults": [{"kind": "hang", "times": 2}]}
    )
    rule = FaultRule(kind="hang", times=2)
    assert client.state.quirks == Quirks(no_total=True, faults=(rule,))
    assert answer.json() == (await client.get("/sandbox/quirks")).json()


async def test_what_is_shown_can_be_set(client):
    """The answer of a GET is a good body for a PUT."""
    quirks = (await client.get("/sandbox/quirks")).content
    await client.put("/sandbox/quirks", json={"etag": True})
    assert (await client.put("/sandbox/quirks", content=quirks)).content == quirks


async def test_quirks_go_back_to_the_start(start):
    """A DELETE brings back the quirks that the sandbox was started with."""
    client = start(Quirks(etag=True))
    await client.put("/sandbox/quirks", json={})
    assert client.state.quirks == Quirks()
    await client.delete("/sandbox/quirks")
    assert client.state.quirks == Quirks(etag=True)


@pytest.mark.parametrize(
    ("quirks", "error"),
    [
        ({"etags": True}, "unknown key 'etags': did you mean 'etag'?"),
        ({"latency": 5}, "unknown key 'latency': did you mean 'latency_ms'?"),
        ({"faults": [{"kind": "hang", "time": 1}]}, "faults[0].unknown key 'time': did you mean"),
        ({"faults": [{}]}, "Object missing required field `kind` - at `$.faults[0]`"),
        ({"faults": [{"kind": "explode"}]}, "Invalid enum value 'explode' - at `$.faults[0].kind`"),
        ({"faults": [{"kind": "hang", "pattern": "("}]}, "`pattern` is no regular expression"),
        (
            {"faults": [{"kind": "hang", "times": 0}]},
            "Expected `int` >= 1 - at `$.faults[0].times`",
        ),
        ({"faults": [{"kind": "status", "status": 99}]}, "Expected `int` >= 200"),
        ({"faults": ["hang"]}, "Expected `object`, got `str` - at `$.faults[0]`"),
        ({"faults": "hang"}, "Expected `array`, got `str` - at `$.faults`"),
        ({"etag": "yes"}, "Expected `bool`, got `str` - at `$.etag`"),
        ({"latency_ms": -1}, "Expected `int` >= 0 - at `$.latency_ms`"),
        ({"location": "here"}, "Invalid enum value 'here' - at `$.location`"),
        ([], "Expected `object`, got `array`"),
    ],
)
async def test_wrong_quirks_are_refused(client, quirks, error):
    """A misspelt key or value is a 400 that says where and what, and changes nothing."""
    answer = await client.put("/sandbox/quirks", json=quirks)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)
    assert client.state.quirks == Quirks()


async def test_broken_json_is_refused(client):
    """So is what is no JSON."""
    for path, method in (("/sandbox/quirks", "PUT"), ("/sandbox/revoke", "POST")):
        assert (await client.request(method, path, content=b"{")).status_code == 400


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"tokn": "x"}, "unknown key 'tokn': did you mean 'token'?"),
        ({}, "missing key 'token'"),
        ({"token": 1}, "Expected `str`, got `int`"),
    ],
)
async def test_a_wrong_revocation_is_refused(client, body, error):
    """It needs a token and nothing else."""
    answer = await client.post("/sandbox/revoke", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)


async def test_a_sandbox_may_have_no_control(start):
    """Without it the paths do not exist."""
    client = start(control=False)
    for path in ("/sandbox/quirks", "/sandbox/requests"):
        assert (await client.get(path)).json() == {"detail": "Not Found"}


async def test_requests_are_logged(client):
    """Method, path, query, status and some headers of every upstream request; never a token."""
    await client.get("/Group?_count=1", headers={"traceparent": "00-1-2-01"})
    await client.put("/Group/x", json={}, headers={"If-Match": 'W/"1"'})
    answer = await client.get("/sandbox/requests")
    log = answer.json()
    assert (log["total"], log["peak"]) == (2, 1)
    first, second = log["requests"]
    assert (first["method"], first["path"], first["query"]) == ("GET", "/Group", "_count=1")
    assert (first["status"], second["status"]) == (200, 400)
    assert first["headers"]["traceparent"] == "00-1-2-01"
    assert second["headers"]["if-match"] == 'W/"1"'
    assert second["headers"]["content-type"] == "application/json"
    assert "earer" not in answer.text


async def test_the_log_names_the_correlation_id(client):
    """What a client was answered can be found in the log."""
    answer = await client.get("/metadata")
    (entry,) = client.state.requests.entries
    assert entry.correlation_id == answer.headers["fumage-correlation-id"]


async def test_the_log_can_be_cleared(client):
    """After a DELETE it counts from nothing."""
    await client.get("/Group")
    assert (await client.delete("/sandbox/requests")).status_code == 204
    assert (await client.get("/sandbox/requests")).json() == {
        "total": 0,
        "peak": 0,
        "requests": [],
    }
    await client.post("/auth/token/")
    assert len(client.state.requests) == 1


async def test_the_log_tells_how_many_were_under_way(start):
    """The peak shows how far a client's limits hold."""
    client = start(Quirks(latency_ms=20))
    await asyncio.gather(*(client.get("/Group?_count=1") for _ in range(7)))
    assert (client.state.requests.peak, client.state.requests.total) == (7, 7)


def test_the_log_is_bounded():
    """It keeps the last 10,000 and counts the others."""
    log = RequestLog()
    for number in range(10_001):
        log.begin(LoggedRequest("GET", f"/Group/{number}", "", {}, ""))
        log.end()
    assert (len(log), log.total) == (10_000, 10_001)
    assert log.entries[0].path == "/Group/1"


async def test_a_reset_undoes_everything(start):
    """Data, quirks and log are as they were at the start."""
    client = start(Quirks(no_total=True))
    identity = await client.created()
    await client.put("/sandbox/quirks", json={"max_count": 1})
    assert (await client.post("/sandbox/reset")).status_code == 204
    assert len(client.state.requests) == 0
    assert client.state.quirks == Quirks(no_total=True)
    assert (await client.get(f"/Group/{identity}")).status_code == 404
    assert (await client.get(f"/Group/{TEST_GROUP_ID}")).status_code == 200


async def test_other_methods_are_not_supported(client):
    """The control endpoint refuses them as the rest does."""
    assert (await client.post("/sandbox/quirks")).status_code == 405


@pytest.mark.parametrize(
    ("quirks", "parameter", "versioning"),
    [
        (Quirks(), "patient", "no-version"),
        (Quirks(member_parameter=True, etag=True), "member", "versioned-update"),
    ],
)
async def test_metadata_says_what_the_server_can_do(start, clock, quirks, parameter, versioning):
    """The CapabilityStatement is open to all and follows the quirks."""
    client = start(quirks, clock=clock)
    answer = await client.get("/metadata", headers={"Authorization": ""})
    assert answer.headers["content-type"] == "application/fhir+json"
    statement = answer.json()
    assert statement["resourceType"] == "CapabilityStatement"
    assert (statement["fhirVersion"], statement["format"]) == ("4.0.1", ["json"])
    assert statement["date"] == "2027-01-15T08:00:00+00:00"
    group, *others = statement["rest"][0]["resource"]
    assert "Patient" in {other["type"] for other in others}
    codes = [interaction["code"] for interaction in group["interaction"]]
    assert codes == ["read", "search-type", "create", "update"]
    assert {item["name"] for item in group["searchParam"]} == {"_id", parameter, "type"}
    assert (group["versioning"], group["updateCreate"]) == (versioning, False)
