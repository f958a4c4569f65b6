"""Replicas that share a Redis take turns at writing to a group, and write without it as well.

Two gateways as processes, a real Redis, and an upstream that offers nothing to guard a write with:
it sends neither entity tags nor a clock, and takes every PUT.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.commands import Server, serving
from frontdoor import Gateway
from gateway.writing import ADD, patients
from redis_server import RedisServer, redis_server
from transport.peer import Connection, peer

PUT = b"PUT "
SLOW = 0.05


@dataclass
class Careless:
    """An upstream with one group, which it replaces by whatever comes."""

    group: dict[str, Any] = field(
        default_factory=lambda: {
            "resourceType": "Group",
            "id": "g",
            "type": "person",
            "actual": True,
            "name": "Careless",
            "member": [],
        }
    )
    writing: int = 0
    put: asyncio.Event = field(default_factory=asyncio.Event)
    held: asyncio.Event | None = None
    """What PUTs wait for before they are carried out."""

    async def handle(self, connection: Connection) -> None:
        """Answer reads, and slow writes."""
        while True:
            request = await connection.request()
            answer = b"null"
            if request.startswith(PUT):
                self.put.set()
                if self.held is not None:
                    await self.held.wait()
                await asyncio.sleep(SLOW)
                self.group = json.loads(request.partition(b"\r\n\r\n")[2])
            else:
                answer = json.dumps(self.group).encode()
            await connection.send(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer)
            )

    def members(self) -> list[str]:
        """Return the ids of the members."""
        return sorted(
            m["entity"]["reference"].removeprefix("Patient/") for m in self.group["member"]
        )


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a Redis."""
    with redis_server(tmp_path) as server:
        yield server


@dataclass
class Replicas:
    """Two gateways, and what is around them."""

    upstream: Careless
    redis: RedisServer
    servers: list[Server]
    gateways: list[Gateway]

    async def add(self, side: int, name: Any) -> Any:
        """Add a patient through a gateway; return the answer."""
        wanted = {"groupId": "g", "members": patients(name)}
        return await self.gateways[side](ADD, input=wanted)

    async def add_all(self, *names: str) -> None:
        """Add patients through both gateways at once."""
        answers = await asyncio.gather(*(self.add(n % 2, name) for n, name in enumerate(names)))
        assert all("errors" not in answer for answer in answers), answers


@pytest.fixture
async def replicas(redis: RedisServer) -> AsyncIterator[Replicas]:
    """Run both gateways."""
    careless = Careless()
    async with AsyncExitStack() as stack:
        url = (await stack.enter_async_context(peer(careless.handle))).url
        settings = {"upstream_url": url, "cache_url": redis.url, "upstream_check": "false"}
        processes = stack.enter_context(ExitStack())
        servers = [
            await asyncio.to_thread(
                processes.enter_context, serving("serve", "--port", "0", **settings)
            )
            for _ in range(2)
        ]
        clients = [httpx.AsyncClient(base_url=server.url, timeout=60) for server in servers]
        for client in clients:
            await stack.enter_async_context(client)
        made = Replicas(careless, redis, servers, [Gateway(client) for client in clients])
        yield made


async def test_nobody_overwrites_another_replica(replicas: Replicas) -> None:
    """Changes that come through both at once, again and again, are all there in the end."""
    names = [f"{number:02}" for number in range(30)]
    for batch in range(0, len(names), 6):
        await replicas.add_all(*names[batch : batch + 6])
    assert replicas.upstream.members() == names


async def test_a_replica_dies_while_it_writes(replicas: Replicas) -> None:
    """The other gateway waits until the lease has expired, and then writes."""
    replicas.upstream.held = asyncio.Event()
    dying = asyncio.create_task(replicas.add(0, "lost"))
    await replicas.upstream.put.wait()
    replicas.servers[0].process.kill()
    with pytest.raises(httpx.TransportError):
        await dying
    replicas.upstream.put.clear()
    left = asyncio.create_task(replicas.add(1, "made"))
    replicas.upstream.held.set()
    assert "errors" not in await left
    assert "made" in replicas.upstream.members()


@pytest.mark.parametrize("fault", ["kill", "freeze"])
async def test_redis_goes_away_in_the_middle_of_a_write(replicas: Replicas, fault: str) -> None:
    """The write that holds the lease ends well, and so do those after it."""
    replicas.upstream.held = asyncio.Event()
    first = asyncio.create_task(replicas.add(0, "first"))
    await replicas.upstream.put.wait()
    getattr(replicas.redis, fault)()
    replicas.upstream.held.set()
    assert "errors" not in await first
    assert "errors" not in await replicas.add(1, "second")
    assert "errors" not in await replicas.add(0, "third")
    if fault == "freeze":
        replicas.redis.thaw()
    assert replicas.upstream.members() == ["first", "second", "third"]


async def test_a_lease_tells_nothing_and_is_given_back(replicas: Replicas) -> None:
    """Its key is a digest; after the write there is none."""
    replicas.upstream.held = asyncio.Event()
    adding = asyncio.create_task(replicas.add(0, "one"))
    await replicas.upstream.put.wait()
    async with replicas.redis.client() as client:
        [key] = await client.keys("*lease*")
        life = await client.pttl(key)
        replicas.upstream.held.set()
        await adding
        while await client.keys("*lease*"):  # noqa: ASYNC110 - given back after the answer
            await asyncio.sleep(0.01)
    assert len(key.decode().strip("{}").rpartition("{")[2]) == 32
    assert 0 < life <= 3000


async def test_a_write_that_takes_longer_than_a_lease(replicas: Replicas) -> None:
    """It keeps its lease; the other replica's write comes after it."""
    replicas.upstream.held = asyncio.Event()
    long = asyncio.create_task(replicas.add(0, "long"))
    await replicas.upstream.put.wait()
    other = asyncio.create_task(replicas.add(1, "other"))
    await asyncio.sleep(4)  # longer than a lease lives: there is nothing to be seen meanwhile
    replicas.upstream.held.set()
    assert all("errors" not in answer for answer in await asyncio.gather(long, other))
    assert replicas.upstream.members() == ["long", "other"]


@pytest.mark.parametrize(
    "planted",
    [("SET", "{}", "x"), ("RPUSH", "{}", "x"), ("SET", "{}", "x", "EX", "9999"),
     ("SET", "{}:next", "x"), ("RPUSH", "{}:next", "x")],
    ids=" ".join,
)  # fmt: skip
async def test_what_is_no_lease_of_ours(replicas: Replicas, planted: tuple[str, ...]) -> None:
    """A foreign value in a lease's key delays no write longer than a lease lasts."""
    replicas.upstream.held = asyncio.Event()
    adding = asyncio.create_task(replicas.add(0, "one"))
    await replicas.upstream.put.wait()
    async with replicas.redis.client() as client:
        [key] = await client.keys("*lease*")
        replicas.upstream.held.set()
        await adding
        while await client.keys("*lease*"):  # noqa: ASYNC110 - given back after the answer
            await asyncio.sleep(0.01)
        await client.execute_command(*(word.format(key.decode()) for word in planted))
        replicas.upstream.held.clear()
        replicas.upstream.put.clear()
        adding = asyncio.create_task(replicas.add(1, "two"))
        await replicas.upstream.put.wait()
        assert 0 < await client.pttl(key) <= 3000
        replicas.upstream.held.set()
        assert "errors" not in await adding
