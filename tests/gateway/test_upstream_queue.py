"""More calls than the upstream gets at once wait in a bounded queue; beyond it is OVERLOADED."""

import asyncio
from typing import Any

from frontdoor import Gateway, opened
from group_gateway.app import create_app
from group_gateway.config import Settings
from transport.peer import Connection, peer
from waiting import until

EMPTY = b'{"resourceType":"Bundle","type":"searchset"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(EMPTY), EMPTY)


async def test_a_queue_that_is_full() -> None:
    """Of too many searches those beyond the queue fail at once, and all others are answered."""
    go = asyncio.Event()

    async def answer_later(connection: Connection) -> None:
        while True:
            await connection.request()
            await go.wait()
            await connection.send(ANSWER)

    async with peer(answer_later) as server:
        known = Settings(upstream_url=server.url, upstream_connections=2, upstream_queue=4)
        async with opened(create_app(known)) as gateway:
            asked = [asyncio.create_task(search(gateway, n, token="one")) for n in range(1, 9)]
            await until(lambda: sum(task.done() for task in asked) == 4)
            refused = [task.result() for task in asked if task.done()]
            other = asyncio.create_task(search(gateway, 1, token="two"))
            go.set()
            answered = await asyncio.gather(*(t for t in asked if not t.done()), other)
    for answer in refused:
        [error] = answer["errors"]
        assert error["extensions"]["code"] == "OVERLOADED"
        assert error["extensions"]["retryAfter"] == 1
    assert answered == [{"data": {"groups": {"nodes": []}}}] * 5


async def search(gateway: Gateway, count: int, token: str) -> Any:
    """Search in a way that goes upstream by itself."""
    return await gateway(f"{{ groups(first: {count}) {{ nodes {{ id }} }} }}", token=token)
