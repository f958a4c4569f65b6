"""What subscriptions may take, and what is when they are off."""

import asyncio
import json
import socket
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from group_gateway.http.subscriptions.socket_operations import MOST_AT_ONCE
from group_gateway.sandbox.wellknown import MEDIUM_GROUP_ID, READ_TOKEN, TEST_GROUP_ID
from group_gateway.server import websocket_protocol
from group_gateway.server.websocket_protocol import MOST_FRAMES
from subscriptions.listening import CHANGES, PATIENCE, changed, codes

WRITES = 12
IT = {"id": TEST_GROUP_ID, "since": "long ago"}


async def refusal(connecting):
    """Return the answer to a connection that is refused: status and error."""
    with pytest.raises(InvalidStatus) as refused:
        async with connecting:
            pass
    response = refused.value.response
    [error] = json.loads(response.body)["errors"]
    return response.status_code, error


async def denied(connecting):
    """Return the status and the error's code of a connection that is refused."""
    status, error = await refusal(connecting)
    return status, error["extensions"]["code"]


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
    """The process has a limit too; a client beyond it is asked to try again."""
    server = await serve(subscriptions_open=1)
    async with server.introduced() as talk:
        await talk.listen("1")
        await talk.ask("2", CHANGES, **IT)
        message = await talk.hear()
        assert codes(message) == ["OVERLOADED"]
        assert message["payload"][0]["extensions"]["retryAfter"] > 0
        async with server.connected() as refused:
            assert await refused.closed() == (1013, "The gateway has too many WebSockets open.")
        assert await server.metric("requests_total", outcome="shed") == 2
    async with there_is_room(server) as talk:
        await talk.listen("1")


@asynccontextmanager
async def there_is_room(server):
    """Connect as soon as those who are just leaving have left."""
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
        while True:
            try:
                yield await stack.enter_async_context(server.introduced())
                break
            except ConnectionClosed:
                await asyncio.sleep(0.02)


async def test_sockets_of_a_caller(serve):
    """Connections on which nothing is asked are bounded as well.

    One beyond is not acknowledged: clients would then count their attempts anew.
    """
    server = await serve(subscriptions_per_caller=1)
    async with server.introduced(), server.introduced(READ_TOKEN), server.connected() as talk:
        await talk.say("connection_init", payload={"authorization": "Bearer sandbox"})
        with pytest.raises(ConnectionClosed):
            await talk.hear()
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
        await talk.socket.send(100 * "x" for _ in range(101))
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


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", "http://127.0.0.1"])
async def test_pages_of_other_sites(server, origin):
    """A browser's page of another site can't connect, with whatever token."""
    assert await denied(server.connected(origin=origin)) == (403, "CROSS_SITE_REQUEST")


async def test_pages_that_may(serve):
    """Pages of the gateway's own site can, and those of origins that may ask."""
    server = await serve(cors_origins="https://app.example")
    for origin in ("https://app.example", server.url):
        async with server.introduced(origin=origin) as talk:
            assert (await talk.listen())["name"] == "Test Group"


async def test_a_page_behind_a_proxy(serve):
    """A page at a proxy's address can connect where the proxy is trusted; else one sentence helps.

    So can a page whose browser says that it is of the same origin.
    """
    said = {"X-Forwarded-Host": "public.example"}
    server = await serve()
    page = {"origin": "https://public.example", "additional_headers": said}
    status, error = await refusal(server.connected(**page))
    assert (status, error["extensions"]["code"]) == (403, "CROSS_SITE_REQUEST")
    assert "GROUP_GATEWAY_TRUSTED_PROXIES" in error["message"]
    assert error["message"].count(". ") == 0
    trusting = await serve(trusted_proxies="127.0.0.1")
    async with trusting.introduced(**page) as talk:
        assert (await talk.listen())["name"] == "Test Group"
    page["additional_headers"] = {"Sec-Fetch-Site": "same-origin"}
    async with server.introduced(**page) as talk:
        assert (await talk.listen())["name"] == "Test Group"


def narrow(server):
    """Return a connection with small buffers, which fill as long as the peer does not read."""
    url = httpx.URL(server.url)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect((url.host, url.port))
    narrow.setblocking(False)  # noqa: FBT003 - the socket's own interface
    return narrow


async def test_who_is_slow_gets_the_newest(server, sandbox):
    """Outdated events are not kept for a subscriber who does not read."""
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


UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


@asynccontextmanager
async def bare(server, request=UPGRADE):
    """Open a connection, send a request, and return both ends; nothing is read automatically."""
    url = httpx.URL(server.url)
    reader, writer = await asyncio.open_connection(url.host, url.port, limit=1024)
    writer.write(request)
    async with asyncio.timeout(PATIENCE):
        yield reader, writer
    writer.close()


async def flood(writer, frame):
    """Send a frame over and over without reading the responses."""
    while True:
        writer.write(1000 * frame)
        await writer.drain()


def frame(first, payload=b""):
    """Return a frame of a client's with these bits in its first byte."""
    return bytes([first, 0x80 | len(payload), 0, 0, 0, 0]) + payload


PING = json.dumps({"type": "ping"}).encode()


@pytest.mark.parametrize(
    "sent", [frame(0x81, PING), frame(0x89), frame(0x8A), frame(0x01) + 100 * frame(0x00)]
)
async def test_who_only_sends_is_cut_off(serve, sent):
    """A client that sends frames and reads nothing is disconnected."""
    server = await serve(client_timeout=1)
    async with bare(server) as (reader, writer):
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 101")
        with pytest.raises(ConnectionError):
            await flood(writer, sent)


async def test_messages_that_come_together(server):
    """Only a few are read before they are handled, so a closing frame overtakes no more."""
    count = 10_000
    async with bare(server) as (reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(count * frame(0x81, PING) + frame(0x88, b"\x03\xe8"))
        told = await reader.read(-1)
    assert told.count(b"pong") > count - 100
    assert told.endswith(b"\x88\x02\x03\xe8")


async def test_who_has_left_before_it_is_failed(serve, caplog):
    """The client has left before its error could be sent, which is not an error in the log."""
    server = await serve(subscriptions_open=1)
    init = {"type": "connection_init", "payload": {"Authorization": "Bearer sandbox"}}
    complete = json.dumps({"type": "complete", "id": "1"}).encode()
    async with bare(server) as (reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(frame(0x81, json.dumps(init).encode()))
        await reader.readuntil(b'"connection_ack"}')
        writer.write(1000 * frame(0x81, complete) + frame(0x83))
    async with there_is_room(server):
        assert caplog.records == []


async def test_who_has_much_to_say_when_it_is_closed(server, caplog):
    """Its answer to the closing frame is found behind it, so that the connection ends properly."""
    async with bare(server) as (reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        closed = frame(0x88, b"\x03\xe8")
        writer.write(10 * frame(0x81, PING) + frame(0x81, b"?") + 9000 * frame(0x81, PING) + closed)
        told = await reader.read(-1)
    assert told.count(b"pong") == 10
    assert told.endswith(b"Invalid message received")
    assert caplog.records == []


async def test_too_many_pings(server):
    """A client that pings without end is disconnected with a reason."""
    async with server.introduced(ping_interval=None) as talk:
        for _ in range(2 * MOST_FRAMES):
            talk.socket.protocol.send_ping(b"")
        talk.socket.send_data()
        assert await talk.closed() == (1008, "Too many frames")


async def test_who_reads_slowly_and_sends_on(server, monkeypatch):
    """It receives the close reason too: unread data does not reset the connection."""
    monkeypatch.setattr(websocket_protocol, "CLOSE_SECONDS", PATIENCE)
    async with bare(server) as (reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        taking = writer.get_extra_info("socket")
        taking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        writer.write(20 * MOST_FRAMES * frame(0x89))
        await asyncio.sleep(0.3)
        assert (await reader.read(-1)).endswith(b"Too many frames")


@pytest.mark.parametrize(
    "request_",
    [
        UPGRADE.replace(b"GET", b"POST"),
        UPGRADE.replace(b"Host: x", b"Host: x\r\nX: " + 9000 * b"x"),
        UPGRADE.replace(b"Host: x", b"Host: x" + b"".join(b"\r\nX%d: x" % n for n in range(300))),
        UPGRADE.replace(b"Version: 13", b"Version: 8"),
        UPGRADE.replace(b"Key: A", b"Key: "),
    ],
)
async def test_what_is_no_handshake(server, request_):
    """It is refused, and the connection does not stay open."""
    async with bare(server, request_) as (reader, _):
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 4")
        while await reader.read(1000):
            pass


async def test_a_handshake_with_an_absolute_address(server):
    """It means the path in it, as RFC 9112, section 3.2.2, says of any request."""
    request = UPGRADE.replace(b" /graphql", b" http://x/graphql?a=b")
    async with bare(server, request) as (reader, _):
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 101")


async def test_a_handshake_in_http_1_0(server):
    """HTTP/1.0 knows no upgrade: it is a GET without a query (RFC 9110, section 7.8)."""
    async with bare(server, UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0")) as (reader, _):
        told = await reader.read(-1)
    assert told.startswith(b"HTTP/1.1 400")
    assert b"query" in told.partition(b"\r\n\r\n")[2]


async def test_refusals_fill_no_log(server, caplog):
    """Who is refused leaves no line in the log."""
    for _ in range(3):
        await denied(server.connected(origin="https://evil.example"))
    assert caplog.records == []
