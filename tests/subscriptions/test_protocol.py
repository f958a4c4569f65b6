"""The GraphQL over WebSocket Protocol to the letter: what is said, and how connections end."""

import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from group_gateway.http.subscriptions import graphql_websocket
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from subscriptions.listening import CHANGES, PROTOCOL, changed, codes

MUTATION = """
mutation ($input: UpdateGroupInput!) { updateGroup(input: $input) { group { name } } }
"""
QUERY = f'{{ group(id: "{TEST_GROUP_ID}") {{ name }} }}'


async def test_a_query_and_a_mutation(server):
    """They are answered over a WebSocket too, each with one answer and the end."""
    async with server.introduced() as talk:
        assert talk.socket.subprotocol == PROTOCOL
        await talk.ask("q", QUERY)
        answer = {"data": {"group": {"name": "Test Group"}}}
        assert await talk.hear() == {"id": "q", "type": "next", "payload": answer}
        assert await talk.hear() == {"id": "q", "type": "complete"}
        changes = {"id": TEST_GROUP_ID, "name": "Changed"}
        await talk.ask("m", MUTATION, input=changes)
        assert (await talk.hear())["payload"]["data"]["updateGroup"]["group"]["name"] == "Changed"
        assert await talk.hear() == {"id": "m", "type": "complete"}
        await talk.ask("q", QUERY)  # the id is free again, and the answer not that of before
        assert (await talk.hear())["payload"]["data"]["group"]["name"] == "Changed"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("subscription { groupChanged }", "GRAPHQL_VALIDATION_FAILED"),
        ('subscription { groupChanged(id: "a b") { id } }', "BAD_USER_INPUT"),
        ("subscription ($id: ID!) { groupChanged(id: $id) { id } }", "BAD_USER_INPUT"),
        ('subscription { a: groupChanged(id: "1") { id } b: groupChanged(id: "2") { id } }',
         "GRAPHQL_VALIDATION_FAILED"),
        ('subscription { groupChanged(id: "1") @skip(if: true) { id } }',
         "GRAPHQL_VALIDATION_FAILED"),
    ],
)  # fmt: skip
async def test_what_can_not_be_executed(server, query, code):
    """It is an error of its operation, with its code, and no more is said of it."""
    async with server.introduced() as talk:
        await talk.ask("1", query)
        assert set(codes(await talk.hear())) == {code}
        await talk.ask("1", QUERY)
        assert (await talk.hear())["type"] == "next"


async def test_an_operation_that_is_not_there(server):
    """Names are looked for among the document's operations, subscriptions as well."""
    async with server.introduced() as talk:
        await talk.say("subscribe", id="1", payload={"query": CHANGES, "operationName": "Others"})
        assert codes(await talk.hear()) == ["BAD_USER_INPUT"]


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        "[]",
        "{}",
        '{"type": "start", "id": "1"}',
        '{"type": "subscribe", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "1", "payload": [{"query": "{ __typename }"}]}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "complete"}',
        json.dumps({"type": "subscribe", "id": "x" * 129, "payload": {"query": ""}}),
        '{"type": "ping", "payload": ' + 9999 * "[" + 9999 * "]" + "}",
        b'{"type": "complete", "id": "\xff"}',
    ],
)
async def test_4400(server, message):
    """What is no message of the protocol ends the connection."""
    async with server.introduced() as talk:
        await talk.socket.send(message)
        assert await talk.closed() == (4400, "Invalid message received")


async def test_4401(server):
    """Nothing is executed before the caller is known."""
    async with server.connected() as talk:
        await talk.ask("1", QUERY)
        assert await talk.closed() == (4401, "Unauthorized")


@pytest.mark.parametrize(
    "payload", [{}, {"payload": {}}, {"payload": {"authorization": "Basic x"}}]
)
async def test_4403(server, payload):
    """Without a token the connection is refused, in the code with which clients may come again."""
    async with server.connected() as talk:
        await talk.say("connection_init", **payload)
        code, reason = await talk.closed()
        assert (code, reason) == (
            4403,
            "Forbidden: Send a bearer token in the Authorization header.",
        )


@pytest.mark.parametrize("spoken", [None, ["graphql-ws"], ["graphql-ws", "mqtt"]])
async def test_4406(server, spoken):
    """Only the new protocol is spoken, also where the old one is asked for."""
    async with server.connected(subprotocols=spoken) as talk:
        assert (await talk.closed())[0] == 4406


async def test_4408(server, monkeypatch):
    """A client without `connection_init` in time is disconnected, whatever else it sends."""
    monkeypatch.setattr(graphql_websocket, "INIT_SECONDS", 0.2)
    async with server.connected() as talk:
        await talk.say("ping")
        assert await talk.hear() == {"type": "pong"}
        assert await talk.closed() == (4408, "Connection initialisation timeout")


async def test_4409(server):
    """An id stands for one operation at a time."""
    async with server.introduced() as talk:
        await talk.listen("1")
        await talk.ask("1", CHANGES, id=TEST_GROUP_ID)
        assert await talk.closed() == (4409, "Subscriber for 1 already exists")
    await server.until_metric(0, "subscriptions_open")


async def test_4429(server):
    """A second `connection_init` is an error."""
    async with server.introduced() as talk:
        await talk.say("connection_init")
        assert await talk.closed() == (4429, "Too many initialisation requests")


@pytest.mark.parametrize(
    "payload",
    [
        {"Authorization": "Bearer sandbox"},
        {"authorization": "bearer sandbox", "other": 1},
        {"headers": {"AUTHORIZATION": "Bearer sandbox"}},
    ],
)
async def test_where_the_token_may_stand(server, payload):
    """The payload of connection_init holds the token, in the ways that clients have."""
    async with server.connected() as talk:
        await talk.say("connection_init", payload=payload)
        assert await talk.hear() == {"type": "connection_ack"}
        assert (await talk.listen())["name"] == "Test Group"


async def test_the_token_of_the_request(server):
    """The request's own Authorization goes before the payload's: a proxy may have put it there."""
    headers = {"authorization": "Bearer sandbox"}
    async with server.connected(additional_headers=headers) as talk:
        await talk.say("connection_init", payload={"authorization": "Bearer wrong"})
        assert await talk.hear() == {"type": "connection_ack"}
        assert (await talk.listen())["name"] == "Test Group"


async def test_two_tokens_of_the_request(server):
    """The operation is ambiguous, as in any other request."""
    headers = [("Authorization", "Bearer sandbox"), ("Authorization", "Bearer sandbox-other")]
    async with server.connected(additional_headers=headers) as talk:
        await talk.say("connection_init")
        assert (await talk.closed())[0] == 4403
    response = await server.http.post("/graphql", json={"query": QUERY}, headers=headers)
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_an_id_is_free_after_complete(server):
    """After `complete` no event follows, and the id may be used again at once."""
    async with server.introduced() as talk:
        for _ in range(20):
            await talk.listen("1")
            await talk.say("complete", id="1")
        await talk.say("complete", id="never there")
        await server.until_metric(0, "subscriptions_open")
        await server.rename("Changed")
        assert (await talk.listen("1"))["name"] == "Changed"


async def test_several_at_once(server):
    """Operations of one connection don't wait for each other."""
    async with server.introduced() as talk:
        await talk.listen("changes")
        await talk.ask("query", QUERY)
        assert [(await talk.hear())["id"] for _ in range(2)] == ["query", "query"]
        await server.rename("Changed")
        assert changed(await talk.hear())["name"] == "Changed"


async def test_documents_by_name(server):
    """Automatic persisted queries work as they do over HTTP."""
    async with server.introduced() as talk:
        named = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
        await talk.say("subscribe", id="1", payload={"extensions": named})
        assert codes(await talk.hear()) == ["PERSISTED_QUERY_NOT_FOUND"]


async def test_the_trace_of_a_connection(server, sandbox):
    """What is asked over a WebSocket belongs to the trace that the connection's request names."""
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    sandbox.forget_calls()
    async with server.introduced(additional_headers={"traceparent": parent}) as talk:
        await talk.listen()
    entries = sandbox.app.state.sandbox.requests.entries
    [traced] = {e.headers.get("traceparent") for e in entries if e.path != "/metadata"}
    assert traced == parent


@pytest.mark.parametrize("path", ["/graphql/", "/subscriptions", "/fhir/$graphql", "/"])
async def test_another_path(server, path):
    """A WebSocket elsewhere is no matter of rights: a 404 says where GraphQL is."""
    address = f"ws{server.url.removeprefix('http')}{path}"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(address, subprotocols=[PROTOCOL]):
            pass
    response = refused.value.response
    assert response.status_code == 404
    [error] = json.loads(response.body)["errors"]
    assert "/graphql" in error["message"]
    assert response.headers["x-correlation-id"] == error["extensions"]["correlationId"]
