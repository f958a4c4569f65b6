"""The transport keeps connections alive, trusts them only as far as it may, and bounds them."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from transport.peer import OK, Connection, peer, pipeline, sending
from waiting import until

KEPT = {
    "http-1.1": OK,
    "http-1.0": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "no-body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "error": b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nok",
}
NOT_KEPT = {
    "close": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    "http-1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "surplus-answer": OK + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong",
    "surplus-start": OK + b"HT",
    "surplus-garbage": OK + b"wrong",
}


@pytest.mark.parametrize("case", KEPT)
async def test_a_connection_is_used_again(client: httpx.AsyncClient, case: str) -> None:
    """Requests in a row travel on one connection where the peer allows it."""
    async with peer(pipeline(KEPT[case])) as server:
        for _ in range(3):
            await client.get(server.url)
        assert (server.accepted, len(server.requests)) == (1, 3)


@pytest.mark.parametrize("case", NOT_KEPT)
async def test_a_connection_that_must_not_be_used_again_is_closed(
    client: httpx.AsyncClient, case: str
) -> None:
    """Neither one that the peer wants closed, nor one that sends data after its response."""
    async with peer(pipeline(NOT_KEPT[case])) as server:
        for _ in range(2):
            assert (await client.get(server.url)).content == b"ok"
        assert (server.accepted, len(server.requests)) == (2, 2)


async def test_an_answer_that_nobody_asked_for_reaches_nobody(client: httpx.AsyncClient) -> None:
    """What a peer says on an idle connection costs it the connection."""

    async def talkative(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
        await connection.reader.read()

    async with peer(talkative) as server:
        await client.get(server.url)
        await until(lambda: server.open == 0)
        assert (await client.get(server.url)).content == b"ok"
        assert server.accepted == 2


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_a_connection_that_the_peer_closed_while_idle_is_passed_over(
    client: httpx.AsyncClient, method: str
) -> None:
    """Nothing was sent on it, so even a write simply goes out on a new one."""
    async with peer(sending(OK)) as server:
        await client.get(server.url)
        await until(lambda: server.open == 0)
        await asyncio.sleep(0.01)
        assert (await client.request(method, server.url, content=b"x")).content == b"ok"
        assert len(server.requests) == 2


async def _answer_once_then_drop(connection: Connection) -> None:
    await connection.request()
    await connection.send(OK)
    await connection.request()


async def test_a_get_is_sent_again_when_a_kept_connection_drops_it(
    client: httpx.AsyncClient,
) -> None:
    """The peer closed just as the request left: a new connection gets it, once."""
    async with peer(_answer_once_then_drop) as server:
        await client.get(server.url + "/1")
        assert (await client.get(server.url + "/2")).content == b"ok"
        assert [request.split()[1] for request in server.requests] == [b"/1", b"/2", b"/2"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_write_is_never_sent_again(client: httpx.AsyncClient, method: str) -> None:
    """A write may have had its effect, so the failure is the caller's to judge."""
    async with peer(_answer_once_then_drop) as server:
        await client.get(server.url)
        with pytest.raises(httpx.ReadError):
            await client.request(method, server.url, content=b"x")
        assert len(server.requests) == 2


async def test_a_get_is_sent_again_only_once(client: httpx.AsyncClient) -> None:
    """A new connection that drops it as well ends the matter."""

    async def drop(connection: Connection) -> None:
        await connection.request()
        if len(connection.peer.requests) == 1:
            await connection.send(OK)
            await connection.request()

    async with peer(drop) as server:
        await client.get(server.url)
        with pytest.raises(httpx.ReadError):
            await client.get(server.url)
        assert len(server.requests) == 3


async def test_a_get_whose_answer_began_is_not_sent_again(client: httpx.AsyncClient) -> None:
    """Only a close without a byte of response shows that a kept connection was stale."""

    async def begin(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\n")

    async with peer(begin) as server:
        await client.get(server.url)
        with pytest.raises(httpx.ReadError):
            await client.get(server.url)
        assert len(server.requests) == 2


async def test_there_are_never_more_connections_than_allowed(
    make_client: Callable[..., httpx.AsyncClient],
) -> None:
    """What is beyond the bound waits, and is then served."""
    client = make_client(max_connections=3)
    async with peer(pipeline(OK)) as server:
        responses = await asyncio.gather(*(client.get(server.url) for _ in range(30)))
        assert {response.status_code for response in responses} == {200}
        assert (server.most_open, len(server.requests)) == (3, 30)


async def test_origins_do_not_share_connections(client: httpx.AsyncClient) -> None:
    """Each scheme, host and port has a pool of its own."""
    async with peer(pipeline(OK)) as one, peer(pipeline(OK)) as other:
        for server in (one, other, one, other):
            await client.get(server.url)
        assert [(s.accepted, len(s.requests)) for s in (one, other)] == [(1, 2), (1, 2)]


async def test_closing_the_client_closes_every_connection(
    make_client: Callable[..., httpx.AsyncClient],
) -> None:
    """An idle connection goes, and an exchange under way ends in a clean error."""

    async def answer_the_first(connection: Connection) -> None:
        request = await connection.request()
        if request.startswith(b"GET /answered"):
            await connection.send(OK)
        await connection.reader.read()

    client = make_client()
    async with peer(answer_the_first) as server:
        held = asyncio.create_task(client.get(f"{server.url}/held"))
        await until(lambda: len(server.requests) == 1)
        await client.get(f"{server.url}/answered")
        assert server.open == 2
        await client.aclose()
        with pytest.raises(httpx.ReadError):
            await held
        await until(lambda: server.open == 0)


async def test_a_body_that_reaches_to_the_close_is_not_ended_by_our_own(
    make_client: Callable[..., httpx.AsyncClient],
) -> None:
    """Closing the client in the middle of such a body gives an error, not half a body."""

    async def begin(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\nhalf", b"")
        begun.set()
        await connection.reader.read()

    begun = asyncio.Event()
    client = make_client()
    async with peer(begin) as server:
        under_way = asyncio.create_task(client.get(server.url))
        await begun.wait()
        await client.aclose()
        with pytest.raises(httpx.ReadError):
            await under_way
