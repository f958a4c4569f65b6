"""Which requests share an upstream call: those of one caller, and no others."""

import asyncio
import json

import httpx
import pytest

from cli.commands import serving
from group_gateway.sandbox import FaultRule
from group_gateway.sandbox.wellknown import MEDIUM_GROUP_ID, SEED_GROUP_IDS, TEST_GROUP_ID
from processes import frozen
from waiting import until

GROUP = "query ($id: ID!) { group(id: $id) { id name } }"
NAMES = "query ($id: ID!) { group(id: $id) { name } }"


async def test_different_questions_about_one_group(gateway, sandbox):
    """Operations that ask for the same group at once share its read, whatever else they ask."""
    answers = await asyncio.gather(
        gateway.data(GROUP, id=TEST_GROUP_ID), gateway.data(NAMES, id=TEST_GROUP_ID)
    )
    assert answers[0]["group"]["name"] == answers[1]["group"]["name"] == "Test Group"
    assert len(sandbox.calls) == 1


async def test_a_question_joins_one_that_is_under_way(make_gateway, sandbox):
    """Without any cache a group that is being read is not read again; afterwards it is."""
    gateway = await make_gateway(cache_ttl=0)
    sandbox.use(latency_ms=400)
    first = asyncio.ensure_future(gateway.data(GROUP, id=TEST_GROUP_ID))
    await until(lambda: sandbox.calls)
    await gateway.data(NAMES, id=TEST_GROUP_ID)
    await first
    assert len(sandbox.calls) == 1
    await gateway.data(NAMES, id=TEST_GROUP_ID)
    assert len(sandbox.calls) == 2


async def test_searches_under_way_are_joined(make_gateway, sandbox):
    """So is a page of a search."""
    gateway = await make_gateway(cache_ttl=0)
    queries = ("{ groups { nodes { id } } }", "{ groups { edges { cursor } } }")
    await asyncio.gather(*map(gateway.data, queries))
    assert len(sandbox.calls) == 1


@pytest.mark.parametrize("other", ["sandbox-read", "sandbox-other"])
async def test_two_callers_share_no_call(gateway, sandbox, other):
    """Batches and searches of two callers never meet, not even for the same groups."""
    ids = SEED_GROUP_IDS[:2]
    query = "{" + " ".join(f'g{i}: group(id: "{id}") {{ id }}' for i, id in enumerate(ids)) + "}"
    page = "{ groups(first: 2) { nodes { id } } }"
    await asyncio.gather(
        *(gateway(text, token=token) for text in (query, page) for token in ("sandbox", other))
    )
    searches = [call for call in sandbox.calls if call.startswith("GET /Group?")]
    assert len(searches) == 4


async def test_a_client_that_goes_away(make_gateway, sandbox):
    """The caller that started the call leaves; those who joined get their response."""
    gateway = await make_gateway(cache_ttl=0)
    sandbox.use(latency_ms=400)
    first = asyncio.ensure_future(gateway.data(GROUP, id=TEST_GROUP_ID))
    await until(lambda: sandbox.calls)
    same = asyncio.ensure_future(gateway.data(GROUP, id=TEST_GROUP_ID))
    other = asyncio.ensure_future(gateway.data(NAMES, id=TEST_GROUP_ID))
    await asyncio.sleep(0)
    first.cancel()
    for answer in await asyncio.gather(same, other):
        assert answer["group"]["name"] == "Test Group"
    assert first.cancelled()
    assert len(sandbox.calls) == 1


async def test_requests_that_joined_a_client_that_goes_away_share_an_answer(make_gateway, sandbox):
    """When the executed one leaves, one of the others is executed, and answers the rest."""
    gateway = await make_gateway(cache_ttl=0)
    sandbox.use(latency_ms=400)
    first = asyncio.ensure_future(gateway.data(GROUP, id=TEST_GROUP_ID))
    await until(lambda: sandbox.calls)
    others = [asyncio.ensure_future(gateway.data(GROUP, id=TEST_GROUP_ID)) for _ in range(3)]
    await asyncio.sleep(0.05)
    first.cancel()
    for answer in await asyncio.gather(*others):
        assert answer["group"]["name"] == "Test Group"
    text = (await gateway.http.get("/metrics")).text
    assert 'group_gateway_requests_total{outcome="complete"} 1.0' in text
    assert 'group_gateway_requests_total{outcome="joined"} 2.0' in text
    assert len(sandbox.calls) == 1


async def test_a_client_that_goes_away_from_a_page(make_gateway, sandbox):
    """So with searches."""
    gateway = await make_gateway(cache_ttl=0)
    sandbox.use(latency_ms=400)
    first = asyncio.ensure_future(gateway.data("{ groups(first: 3) { nodes { id } } }"))
    await until(lambda: sandbox.calls)
    other = asyncio.ensure_future(gateway.data("{ groups(first: 3) { edges { cursor } } }"))
    await asyncio.sleep(0)
    first.cancel()
    assert len((await other)["groups"]["edges"]) == 3
    assert len(sandbox.calls) == 1


async def test_a_failure_reaches_all_who_wait(make_gateway, sandbox):
    """All who joined a failing call get its error, for the price of one call."""
    gateway = await make_gateway()
    sandbox.use(faults=(FaultRule(kind="status", status=500, times=1),))
    answers = await asyncio.gather(
        gateway(GROUP, id=MEDIUM_GROUP_ID), gateway(NAMES, id=MEDIUM_GROUP_ID)
    )
    codes = [answer["errors"][0]["extensions"]["code"] for answer in answers]
    assert codes == ["UPSTREAM_UNAVAILABLE"] * 2
    assert len(sandbox.calls) == 1


async def test_requests_that_arrive_together_over_the_network():
    """Twenty requests on twenty connections, there in one moment, are one search."""
    with (
        serving("sandbox", "--upstream-only", "--port", "0") as upstream,
        serving("serve", "--port", "0", "--upstream-url", upstream.url) as server,
    ):
        headers = {"authorization": "Bearer sandbox"}
        async with httpx.AsyncClient(base_url=upstream.url, headers=headers) as fhir:
            bundle = (await fhir.get("/Group?_count=20")).json()
            ids = [entry["resource"]["id"] for entry in bundle["entry"]]
            await fhir.delete("/sandbox/requests")
            names = await _asked_at_once(server, ids)
            seen = (await fhir.get("/sandbox/requests")).json()["requests"]
    assert names == [entry["resource"]["name"] for entry in bundle["entry"]]
    assert len(seen) == 1


async def _asked_at_once(server, ids):
    """Send a request for each id while the gateway stands still; then let it go on."""
    url = httpx.URL(server.url)
    connections = [await asyncio.open_connection(url.host, url.port) for _ in ids]
    for connection in connections:  # each is known to the gateway before it is stopped
        await _exchange(connection, b"GET /livez HTTP/1.1\r\nhost: gateway\r\n\r\n")
    with frozen(server.process.pid):
        answers = [
            asyncio.ensure_future(_exchange(connection, _request(id)))
            for connection, id in zip(connections, ids, strict=True)
        ]
        await asyncio.sleep(0)
    bodies = await asyncio.gather(*answers)
    for _, writer in connections:
        writer.close()
    return [json.loads(body)["data"]["group"]["name"] for body in bodies]


def _request(id):
    body = json.dumps({"query": NAMES, "variables": {"id": id}}).encode()
    head = (
        "POST /graphql HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer sandbox\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _exchange(connection, request):
    reader, writer = connection
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    return await reader.readexactly(length)
