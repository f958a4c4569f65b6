"""Requests that are sent before the answers to others have come, on bare connections."""

import json
import re

import pytest

from group_gateway.http.subscriptions import event_stream
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from subscriptions.listening import CHANGES
from subscriptions.test_limits import UPGRADE, bare

HEAD = (
    b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Authorization: Bearer sandbox\r\n"
)
PROBE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = PROBE[:-2] + b"Connection: close\r\n\r\n"


def post(query, more=b"", **variables):
    """Return a POST as it goes over the wire."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    return HEAD + more + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


READ = post("query ($id: ID!) { group(id: $id) { name } }", id=TEST_GROUP_ID)
BODY = READ.partition(b"\r\n\r\n")[2]
LISTEN = post(CHANGES, b"Accept: text/event-stream\r\n", id=TEST_GROUP_ID)


async def statuses(server, sent):
    """Return the statuses of all answers until the gateway closes the connection."""
    async with bare(server, sent) as (reader, _):
        told = await reader.read(-1)
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", told)]


REFUSED = pytest.mark.parametrize(
    ("behind", "status"),
    [
        (b"no HTTP\r\n\r\n", 400),
        (PROBE[:-2], 408),
        (READ[:-1], 408),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nno length\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: " + 100_000 * b"a", 431),
        (UPGRADE, 400),
    ],
)


@REFUSED
async def test_a_refusal_has_its_turn(serve, sandbox, behind, status):
    """A refusal never takes the place of another request's response, and drops none."""
    server = await serve(client_timeout=0.6)  # longer than the loop stalls between two packets
    sandbox.use(latency_ms=1000)
    assert await statuses(server, READ + behind) == [200, status]
    assert await statuses(server, 2 * READ + behind) == [200, 200, status]


async def test_a_refusal_behind_a_subscription(server, caplog):
    """Events continue, without bytes among them that are not HTTP."""
    async with bare(server, LISTEN + b"no HTTP\r\n\r\n") as (reader, _):
        await reader.readuntil(b":\n\n")
        await server.rename("Changed")
        told = await reader.readuntil(b'"Changed"')
        assert b"400" not in told
    assert caplog.records == []


async def test_who_leaves_with_requests_waiting(server, caplog, monkeypatch):
    """The operation that is being answered notices the disconnect, although it is not the last."""
    monkeypatch.setattr(event_stream, "_ALIVE_SECONDS", 0.1)
    async with bare(server, LISTEN + PROBE) as (reader, writer):
        await reader.readuntil(b":\n\n")
        writer.transport.abort()
    await server.until_metric(0, "subscriptions_open")
    assert caplog.records == []


async def test_what_has_an_answer_gets_no_other(serve):
    """A body that never ends, of a request that was refused for another reason."""
    server = await serve(client_timeout=0.6)
    other = HEAD.replace(b"application/json", b"text/plain") + b"Content-Length: 9\r\n\r\n"
    assert await statuses(server, other) == [415]


async def test_many_requests_at_once(server):
    """Each is answered, in its turn, however many were sent before the first answer."""
    async with bare(server, 3000 * PROBE + READ + LAST) as (reader, _):
        told = (await reader.read(-1)).split(b"HTTP/1.1 200 ")
    assert len(told) == 1 + 3002
    assert b"Test Group" in told[-2]


H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        READ.replace(HEAD, HEAD + H2C),
        HEAD + H2C + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
        READ.replace(HEAD, HEAD + b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"),
    ],
)
async def test_a_wish_for_another_protocol(server, sent):
    """A client that prefers HTTP/2, as Java's does, is answered in HTTP/1.1, body and all."""
    async with bare(server, sent[:-5]) as (reader, writer):
        await server.http.get("/livez")  # by then the first piece has been read
        writer.write(sent[-5:] + PROBE + sent + LAST)
        told = (await reader.read(-1)).split(b"HTTP/1.1 200 ")
    assert [b"Test Group" in answer for answer in told] == [False, True, False, True, False]


@pytest.mark.parametrize(
    "last",
    [
        READ.replace(HEAD, HEAD + H2C.replace(b"Upgrade,", b"close, Upgrade,")),
        READ.replace(HEAD, HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + H2C),
    ],
)
async def test_a_wish_for_another_protocol_in_a_last_request(server, last):
    """Its response is the connection's last one."""
    async with bare(server, PROBE + last) as (reader, _):
        told = (await reader.read(-1)).split(b"HTTP/1.1 200 ")
    assert [b"Test Group" in answer for answer in told] == [False, False, True]
