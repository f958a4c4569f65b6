"""What subscriptions may take, and what is when they are off."""

import asyncio
import json
import socket

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from group_gateway.sandbox.wellknown import MEDIUM_GROUP_ID, READ_TOKEN, TEST_GROUP_ID
from group_gateway.web.streaming.operations import MOST_AT_ONCE
from subscriptions.listening import CHANGES, PATIENCE, changed, codes

WRITES = 12
IT = {"id": TEST_GROUP_ID, "since": "long ago"}


async def denied(connecting):
    """Give the answer to a connection that is refused: status and error."""
    with pytest.raises(InvalidStatus) as refused:
        async with connecting:
            pass
    response = refused.value.response
    [error] = json.loads(response.body)["errors"]
    return response.status_code, error["extensions"]["code"]


async def test_off_unless_asked_for(serve):
    """Then there is no WebSocket, and a subscription is refused with its own code, on any way."""
    server = await serve(subscriptions=False)
    assert await denied(server.connected()) == (400, "SUBSCRIPTIONS_DISABLED")
    for accept in ("application/json", "text/event-stream, */*"):
        headers = {"authorization": "Bearer sandbox", "accept": accept}
        asked = {"query": CHANGES, "variables": IT}
        answer = await server.http.post("/graphql", json=asked, headers=headers)
        assert answer.json()["errors"][0]["extensions"]["code"] == "SUBSCRIPTIONS_DISABLED"
    headers["accept"] = "text/event-stream"
    assert (await server.http.post("/graphql", json=asked, headers=headers)).status_code == 406


async def test_subscriptions_of_a_caller(serve):
    """One caller's are bounded over all its connections; others have their own."""
    server = await serve(subscriptions_per_caller=2)
    async with server.introduced() as talk, server.introduced(READ_TOKEN) as another:
        await talk.listen("1")
        async with server.streamed(**IT) as stream:
            await stream.event()
            await talk.ask("3", CHANGES, **IT)
            assert codes(await talk.hear()) == ["TOO_MANY_SUBSCRIPTIONS"]
            async with server.streamed(**IT) as refused:
                assert refused.response.status_code == 429
            await another.listen()
        await server.until_metric(2, "subscriptions_open")
        await talk.listen("3")


async def test_subscriptions_in_all(serve):
    """The process's are bounded too; who comes too late is told to try again."""
    server = await serve(subscriptions_open=1)
    async with server.introduced() as talk:
        await talk.listen("1")
        await talk.ask("2", CHANGES, **IT)
        message = await talk.hear()
        assert codes(message) == ["OVERLOADED"]
        assert message["payload"][0]["extensions"]["retryAfter"] > 0
        assert await denied(server.connected()) == (503, "OVERLOADED")
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                async with server.introduced() as talk:
                    await talk.listen("1")
                    break
            except InvalidStatus:  # the one before is just leaving
                await asyncio.sleep(0.02)


async def test_sockets_of_a_caller(serve):
    """Connections on which nothing is asked are bounded as well."""
    server = await serve(subscriptions_per_caller=1)
    async with server.introduced(), server.introduced(READ_TOKEN), server.connected() as talk:
        await talk.say("connection_init", payload={"authorization": "Bearer sandbox"})
        code, reason = await talk.closed()
        assert (code, "that is the limit" in reason) == (1013, True)


async def test_operations_of_a_connection(serve):
    """More operations at once than a connection may have are refused one by one."""
    server = await serve(subscriptions_per_caller=10 * MOST_AT_ONCE)
    async with server.introduced() as talk:
        for number in range(MOST_AT_ONCE + 3):
            await talk.ask(str(number), CHANGES, id=TEST_GROUP_ID)
        for number in range(MOST_AT_ONCE, MOST_AT_ONCE + 3):
            message = await talk.hear()
            assert (message["id"], codes(message)) == (str(number), ["TOO_MANY_SUBSCRIPTIONS"])
        await talk.say("complete", id="0")
        await server.until_metric(MOST_AT_ONCE - 1, "subscriptions_open")
        await talk.listen("0")
        await server.rename("Changed")
        told = {(await talk.hear())["id"] for _ in range(MOST_AT_ONCE)}
        assert told == {str(number) for number in range(MOST_AT_ONCE)}


async def test_a_message_that_is_too_long(serve):
    """A message has as many bytes as a body may have, also in many fragments."""
    server = await serve(body_bytes=10_000)
    async with server.introduced() as talk:
        await talk.socket.send("x" * 10_001)
        assert (await talk.closed())[0] == 1009
    async with server.introduced() as talk:
        await talk.socket.send("x" for _ in range(10_001))
        assert (await talk.closed())[0] == 1009


async def test_fragments_are_joined(server):
    """A message that comes letter by letter is the same message."""
    async with server.introduced() as talk:
        asked = {"type": "subscribe", "id": "1", "payload": {"query": CHANGES, "variables": IT}}
        await talk.socket.send(iter(json.dumps(asked)))
        assert changed(await talk.hear())["name"] == "Test Group"


async def test_limits_of_documents_hold(serve):
    """What a query may ask for, a subscription may, and no more."""
    server = await serve(query_depth=2, introspection=False)
    async with server.introduced() as talk:
        await talk.ask("1", "subscription { groupChanged(id: 1) { meta { tag { id } } } }")
        assert codes(await talk.hear()) == ["QUERY_TOO_DEEP"]
        await talk.ask("1", "{ __schema { description } }")
        assert codes(await talk.hear()) == ["GRAPHQL_VALIDATION_FAILED"]


async def test_only_trusted_documents(serve, tmp_path):
    """Where nothing else is executed, nothing else is subscribed to."""
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps({"changes": CHANGES}))
    server = await serve(trusted_documents=str(manifest))
    async with server.introduced() as talk:
        await talk.say("subscribe", id="1", payload={"documentId": "changes", "variables": IT})
        assert changed(await talk.hear())["name"] == "Test Group"
        await talk.ask("2", CHANGES.replace("name", "name type"), **IT)
        assert codes(await talk.hear()) == ["UNTRUSTED_DOCUMENT"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1"])
async def test_pages_of_other_sites(server, origin):
    """A browser's page of another site can't connect, with whatever token."""
    assert await denied(server.connected(origin=origin)) == (403, "CROSS_SITE_REQUEST")


async def test_pages_that_may(serve):
    """Pages of the gateway's own site can, and those of origins that may ask."""
    server = await serve(cors_origins="https://app.example")
    for origin in ("https://app.example", server.url):
        async with server.introduced(origin=origin) as talk:
            assert (await talk.listen())["name"] == "Test Group"


def narrow(server):
    """Give a connection that takes little before somebody reads."""
    url = httpx.URL(server.url)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect((url.host, url.port))
    narrow.setblocking(False)  # noqa: FBT003 - the socket's own interface
    return narrow


async def test_who_is_slow_gets_the_newest(server, sandbox):
    """What was overtaken is not kept for a listener who does not read."""
    sandbox.use(etag=True)
    query = """subscription ($id: ID!) { groupChanged(id: $id, sinceVersion: "old") {
        name member { entity { reference display } period { start end } inactive } } }"""
    async with server.introduced(max_queue=1, sock=narrow(server)) as talk:
        await talk.ask("1", query, id=MEDIUM_GROUP_ID)
        await talk.hear()
        for number in range(WRITES):
            await server.rename(f"Change {number}", MEDIUM_GROUP_ID)
        names = []
        while names[-1:] != [f"Change {WRITES - 1}"]:
            names.append(changed(await talk.hear())["name"])
        assert len(names) < WRITES
        assert names == sorted(names, key=lambda name: int(name.split()[1]))


async def test_who_never_reads_is_cut_off(serve):
    """A client that takes nothing holds its connection no longer than it may."""
    server = await serve(client_timeout=0.5)
    url = httpx.URL(server.url)
    reader, writer = await asyncio.open_connection(url.host, url.port, limit=1024)
    writer.write(
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 101")
    ping = json.dumps({"type": "ping"}).encode()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(ConnectionError):
            await flood(writer, bytes([0x81, 0x80 | len(ping), 0, 0, 0, 0]) + ping)
    writer.close()


async def flood(writer, frame):
    """Send a frame over and over, to somebody whose answers are not read."""
    while True:
        writer.write(1000 * frame)
        await writer.drain()
