"""Each phase of an exchange has its own timeout, and ends in httpx's own error for it."""

import asyncio
import socket
from collections.abc import Callable

import httpx
import pytest

from transport.peer import OK, Connection, peer, pipeline
from waiting import until

Make = Callable[..., httpx.AsyncClient]
LONG = 30.0


def _only(**phase: float) -> httpx.Timeout:
    """Return timeouts of which only one phase can run out within a test."""
    return httpx.Timeout(LONG, **phase)


async def test_no_connection_in_time(make_client: Make) -> None:
    """A host that does not answer is a ConnectTimeout."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for waiting in (first, second):  # the queue is full; Linux drops who comes next
            waiting.settimeout(0)
            waiting.connect_ex(listening.getsockname())
        client = make_client(timeout=_only(connect=0.2))
        with pytest.raises(httpx.ConnectTimeout):
            await client.get(f"http://127.0.0.1:{listening.getsockname()[1]}")


@pytest.mark.parametrize("host", ["127.0.0.1:1", f"{'a' * 64}.test", "nowhere.invalid"])
async def test_no_such_server(client: httpx.AsyncClient, host: str) -> None:
    """A closed port, or a host that does not exist, is a ConnectError."""
    with pytest.raises(httpx.ConnectError):
        await client.get(f"http://{host}")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
async def test_a_peer_that_falls_silent(make_client: Make, said: bytes) -> None:
    """Silence before or in the middle of an answer is a ReadTimeout; the request stays one."""

    async def fall_silent(connection: Connection) -> None:
        await connection.request()
        await connection.send(said)
        await connection.reader.read()

    client = make_client(timeout=_only(read=0.2))
    async with peer(fall_silent) as server:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(server.url)
        assert len(server.requests) == 1


async def test_a_slow_drip_is_no_silence(make_client: Make) -> None:
    """A response may take longer than the timeout in all, as long as data arrives."""

    async def drip(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
        for _ in range(20):
            await asyncio.sleep(0.2)
            await connection.send(b".")

    client = make_client(timeout=_only(read=3.0))
    async with peer(drip) as server:
        assert (await client.get(server.url)).content == b"." * 20


async def test_no_free_connection_in_time(make_client: Make) -> None:
    """A pool that stays busy is a PoolTimeout, and the waiting call holds no slot."""
    answered = asyncio.Event()

    async def hold(connection: Connection) -> None:
        await connection.request()
        await answered.wait()
        await connection.send(OK)
        await connection.request()
        await connection.send(OK)

    client = make_client(timeout=_only(pool=0.2), max_connections=1)
    async with peer(hold) as server:
        first = asyncio.create_task(client.get(server.url))
        await until(lambda: len(server.requests) == 1)
        with pytest.raises(httpx.PoolTimeout):
            await client.get(server.url)
        answered.set()
        assert (await first).content == b"ok"
        assert (await client.get(server.url)).content == b"ok"


async def test_without_a_timeout_nothing_runs_out(make_client: Make) -> None:
    """None means as long as it takes."""
    client = make_client(timeout=None)
    async with peer(pipeline(OK)) as server:
        assert (await client.get(server.url)).content == b"ok"
