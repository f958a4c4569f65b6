"""Server-sent events: GraphQL over SSE in distinct connections mode."""

import pytest

from group_gateway.http.subscriptions import event_stream
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from subscriptions.listening import CHANGES

IT = {"id": TEST_GROUP_ID, "since": "long ago"}
EVENTS = "text/event-stream"


async def post(server, query, accept=EVENTS, **variables):
    """Send a POST that takes events."""
    headers = {"authorization": "Bearer sandbox", "accept": accept}
    asked = {"query": query, "variables": variables}
    return await server.http.post("/graphql", json=asked, headers=headers)


async def test_events_come_as_they_happen(server):
    """Each change is an event `next`; a stream that is no longer read is closed."""
    async with server.streamed(**IT) as stream:
        headers = stream.response.headers
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert headers["cache-control"] == "no-store"
        name, first = await stream.event()
        assert (name, first["data"]["groupChanged"]["name"]) == ("next", "Test Group")
        await server.rename("Changed")
        name, second = await stream.event()
        assert (name, second["data"]["groupChanged"]["name"]) == ("next", "Changed")
    await server.until_metric(0, "subscriptions_open")
    await server.until_metric(0, "watched_groups")


async def test_the_end_is_an_event(server):
    """A subscription that is over says so."""
    async with server.streamed(id="no-such-group") as stream:
        assert await stream.event() == ("next", {"data": {"groupChanged": None}})
        assert await stream.event() == ("complete", None)
        assert await stream.event() == ("end", None)


async def test_a_get_as_browsers_send_it(server):
    """An EventSource of the page's own site can subscribe; one of another site can't."""
    parameters = {"query": f'subscription {{ groupChanged(id: "{TEST_GROUP_ID}") {{ id }} }}'}
    headers = {"accept": EVENTS, "sec-fetch-site": "same-origin"}
    async with server.http.stream(
        "GET", "/graphql", params=parameters, headers=headers
    ) as response:
        assert response.status_code == 200
        text = [line async for line in response.aiter_lines()]
        assert "event: complete" in text
        assert '"code":"UNAUTHENTICATED"' in text[text.index("event: next") + 1]
    foreign = {**headers, "sec-fetch-site": "cross-site"}
    refused = await server.http.get("/graphql", params=parameters, headers=foreign)
    assert refused.status_code == 403


async def test_a_query_as_a_stream(server):
    """A client that accepts only events gets a query's response as one, and refusals as JSON."""
    answer = await post(server, f'{{ group(id: "{TEST_GROUP_ID}") {{ name }} }}')
    assert answer.headers["content-type"].startswith(EVENTS)
    assert answer.text == (
        'event: next\ndata: {"data":{"group":{"name":"Test Group"}}}\n\nevent: complete\ndata:\n\n'
    )
    refused = await post(server, "{ nope }")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize(
    "accept", ["application/json, text/event-stream", "text/event-stream;q=0.1, */*"]
)
async def test_who_takes_both(server, accept):
    """A client that names both gets JSON for what has one answer, and events for subscriptions."""
    answer = await post(server, f'{{ group(id: "{TEST_GROUP_ID}") {{ name }} }}', accept)
    assert answer.json() == {"data": {"group": {"name": "Test Group"}}}
    answer = await post(server, CHANGES, accept, id="no-such-group")
    assert answer.headers["content-type"].startswith(EVENTS)
    assert answer.text.endswith("event: complete\ndata:\n\n")


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/event-stream;q=0, */*"])
async def test_who_does_not_take_events(server, accept):
    """A subscription of a client that does not ask for events is refused with what helps."""
    answer = await post(server, CHANGES, accept, id=TEST_GROUP_ID)
    assert answer.status_code == 406
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "NOT_ACCEPTABLE"
    assert "text/event-stream" in error["message"]


async def test_silence_is_broken(server, monkeypatch):
    """Comments keep an idle stream open at proxies, and show the gateway that it is connected."""
    monkeypatch.setattr(event_stream, "_ALIVE_SECONDS", 0.05)
    async with server.streamed(**IT) as stream:
        await stream.event()
        seen = [await anext(stream.lines) for _ in range(5)]
        assert set(seen) == {":", ""}


async def test_an_array_holds_no_subscription(serve):
    """A subscription among other operations is refused; the others have their answers."""
    server = await serve(batch_operations=2)
    operations = [
        {"query": f'{{ group(id: "{TEST_GROUP_ID}") {{ name }} }}'},
        {"query": CHANGES, "variables": IT},
    ]
    headers = {"authorization": "Bearer sandbox"}
    answer = await server.http.post("/graphql", json=operations, headers=headers)
    first, second = answer.json()
    assert first["data"]["group"]["name"] == "Test Group"
    assert second["errors"][0]["extensions"]["code"] == "NOT_ACCEPTABLE"
