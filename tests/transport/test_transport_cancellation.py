"""A cancelled request affects no other: no slot or connection is lost, no response is mixed up."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from transport.peer import OK, Connection, peer
from waiting import until

Make = Callable[..., httpx.AsyncClient]


async def _answer_slowly(connection: Connection) -> None:
    while True:
        request = await connection.request()
        await asyncio.sleep(0.005)
        name = request.split()[1]
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(name), name)


async def test_cancelled_requests_lose_no_slots(make_client: Make) -> None:
    """150 rounds of 20 cancelled requests on a pool of 5, then all is well.

    httpcore's pool ends the same script in PoolTimeout for ever.
    """
    client = make_client(max_connections=5, timeout=httpx.Timeout(30.0, pool=5.0))
    async with peer(_answer_slowly) as server:
        for turn in range(150):
            tasks = [asyncio.create_task(client.get(f"{server.url}/{turn}")) for _ in range(20)]
            await asyncio.sleep(0.0005 * (turn % 20))
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        answers = await asyncio.gather(*(client.get(f"{server.url}/after-{i}") for i in range(20)))
        assert [answer.text for answer in answers] == [f"/after-{i}" for i in range(20)]
        assert server.open <= 5


async def test_the_answer_to_a_cancelled_request_reaches_nobody(make_client: Make) -> None:
    """The next request on a pool of one gets its own answer."""
    client = make_client(max_connections=1)
    async with peer(_answer_slowly) as server:
        await client.get(f"{server.url}/warm")
        cancelled = asyncio.create_task(client.get(f"{server.url}/cancelled"))
        await until(lambda: len(server.requests) == 2)
        cancelled.cancel()
        assert (await client.get(f"{server.url}/next")).text == "/next"


async def test_a_request_that_waits_for_a_slot_can_be_cancelled(make_client: Make) -> None:
    """It leaves the queue, and those behind it move up."""
    release = asyncio.Event()

    async def hold(connection: Connection) -> None:
        while True:
            await connection.request()
            await release.wait()
            await connection.send(OK)

    client = make_client(max_connections=1)
    async with peer(hold) as server:
        first = asyncio.create_task(client.get(server.url))
        waiting = [asyncio.create_task(client.get(server.url)) for _ in range(3)]
        await until(lambda: len(server.requests) == 1)
        waiting[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting[0]
        release.set()
        for task in (first, *waiting[1:]):
            assert (await task).content == b"ok"
        assert len(server.requests) == 3
