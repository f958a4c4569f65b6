"""No caller ever receives what the upstream would have refused it within the time to live."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from conftest import Sandbox as SandboxUpstream
from frontdoor import Gateway, opened
from gateway.isolation import ADMIN, History, Upstream, Window
from group_gateway.app import create_app
from group_gateway.sandbox import SandboxOptions
from group_gateway.sandbox import create_app as create_sandbox
from group_gateway.sandbox.tokens import Caller
from group_gateway.settings import Settings
from redis_server import redis_server

TTL, SEARCH_TTL = 30.0, 10.0
GROUPS = 6
STEPS = 120
NAME = "query ($id: ID!) { group(id: $id) { id name } }"
LIST = "{ groups(first: 50) { nodes { id name } } }"
SOME = "query ($ids: [ID!]) { groups(filter: { id: $ids }) { nodes { id name } } }"
RENAME = """mutation ($id: ID!, $name: String!) {
  updateGroup(input: { id: $id, name: $name }) { group { id name } }
}"""
KINDS = (
    Caller(),
    Caller(half=True),
    Caller(writes=False),
    Caller(reads=False),
    Caller(half=True, writes=False),
)


class World:
    """Gateways on one cache, their callers, and what these did."""

    def __init__(self, rng: Random, history: History, gateways: list[Gateway]) -> None:
        self.rng = rng
        self.history = history
        self.gateways = gateways
        self.tokens = [history.issue(kind) for kind in KINDS]
        self.revoked: list[str] = []
        self.ids: list[str] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.written: dict[tuple[int, str], int] = {}
        self.counts: Counter[str] = Counter()

    async def ask(self) -> None:
        """Let somebody read or write something, perhaps with a token that is worth nothing now."""
        token = self.rng.choice([*self.tokens, *self.revoked[-3:]])
        number, id = self.rng.randrange(len(self.gateways)), self.rng.choice(self.ids)
        name = f"Name {self.history.moment().place}"
        query, variables, ttl = self.rng.choice(
            [
                (NAME, {"id": id}, TTL),
                (NAME, {"id": id}, TTL),
                (LIST, {}, SEARCH_TTL),
                (SOME, {"ids": self.rng.sample(self.ids, 3)}, TTL),
                (RENAME, {"id": id, "name": name}, 0.0),
            ]
        )
        began = self.history.moment()
        written = dict(self.written)
        answer = await self.gateways[number](query, token=token, **variables)
        ended = self.history.moment()
        self.counts["asked"] += 1
        for group in _groups(answer):
            first = began.place if query == RENAME else written.get((number, group["id"]), 0)
            window = Window(began.time - ttl, first, ended.place)
            shown = (token, group["id"], group["name"], window)
            assert self.history.allows(*shown), (shown, query, self.history.names[group["id"]])
            self.counts["shown"] += 1
            self.counts["shown to a revoked token"] += token in self.revoked
            if query == RENAME and group["name"] == name:
                span = next(s for s in self.history.names[id] if s.of == name)
                place = max(self.written.get((number, id), 0), span.since.place)
                self.written[number, id] = place

    async def step(self, upstream: httpx.AsyncClient) -> None:
        """Let something happen."""
        match self.rng.randrange(20):
            case 0:
                await self.settle()
                self.history.now += self.rng.choice([1.0, 4.0, 9.0, 11.0, 31.0])
            case 1 | 2:
                number = self.rng.randrange(len(KINDS))
                self.revoked.append(self.tokens[number])
                self.history.revoke(self.tokens[number])
                self.tokens[number] = self.history.issue(KINDS[number])
            case 3:
                await rename(upstream, self.rng.choice(self.ids), self.history)
            case _:
                self.tasks.add(asyncio.create_task(self.ask()))
        for _ in range(self.rng.randrange(30)):
            await asyncio.sleep(0)

    async def settle(self) -> None:
        """Wait for all answers."""
        await asyncio.gather(*self.tasks)
        self.tasks.clear()


def _groups(answer: Any) -> list[Any]:
    """Give the groups of an answer, whatever it answers."""
    data = answer["data"] or {}
    found = [data.get("group"), (data.get("updateGroup") or {}).get("group")]
    return [g for g in [*found, *(data.get("groups") or {"nodes": []})["nodes"]] if g]


async def rename(upstream: httpx.AsyncClient, id: str, history: History) -> None:
    """Rename a group without the gateways' knowledge."""
    group = {"resourceType": "Group", "id": id, "type": "person", "actual": True}
    group["name"] = f"Name {history.moment().place}"
    (await upstream.put(f"/Group/{id}", json=group)).raise_for_status()


async def create(upstream: httpx.AsyncClient) -> list[str]:
    """Create groups, some that half of the callers may not see and some that they may."""
    ids: list[str] = []
    while not len(ids) >= GROUPS or len({Caller(half=True).sees(id) for id in ids}) < 2:
        group = {"resourceType": "Group", "type": "person", "actual": True, "name": "New"}
        answer = await upstream.post("/Group", json=group)
        ids.append(answer.headers["location"].rpartition("/")[2])
    return ids


@pytest.fixture
def bare() -> Iterator[SandboxUpstream]:
    """Give a sandbox without any groups, whose writes are told apart exactly."""
    app = create_sandbox(SandboxOptions(seed=False))
    sandbox = SandboxUpstream(app)
    sandbox.use(etag=True)
    yield sandbox
    app.state.sandbox.close()


@asynccontextmanager
async def world(
    rng: Random, sandbox: SandboxUpstream, *cache_urls: str
) -> AsyncIterator[tuple[World, httpx.AsyncClient]]:
    """Give a world with a gateway for each address of a cache."""
    history = History(sandbox)
    transport = Upstream(sandbox, history, rng)
    base = {
        "upstream_url": "http://upstream.test",
        "cache_ttl": TTL,
        "cache_search_ttl": SEARCH_TTL,
    }
    async with AsyncExitStack() as stack:
        apps = [
            create_app(
                Settings(**base, cache_url=url), transport=transport, clock=lambda: history.now
            )
            for url in cache_urls
        ]
        gateways = [await stack.enter_async_context(opened(app)) for app in apps]
        upstream = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://upstream.test", headers=ADMIN)
        )
        made = World(rng, history, gateways)
        made.ids = await create(upstream)
        yield made, upstream


async def drive(rng: Random, sandbox: SandboxUpstream, *cache_urls: str) -> World:
    """Let things happen in some order, and judge each answer."""
    async with world(rng, sandbox, *cache_urls) as (made, upstream):
        for _ in range(STEPS):
            await made.step(upstream)
        await made.settle()
        return made


@pytest.mark.parametrize("seed", range(10))
async def test_in_memory(bare: SandboxUpstream, seed: int) -> None:
    """Any order of reads, writes here and there, revocations and expiry, on one gateway."""
    made = await drive(Random(f"isolation {seed}"), bare, "memory://")  # noqa: S311 - test data
    assert made.counts["shown"] > 20


@pytest.mark.parametrize("seed", range(3))
async def test_in_redis(bare: SandboxUpstream, tmp_path: Path, seed: int) -> None:
    """The same on two gateways that share a Redis."""
    with redis_server(tmp_path) as redis:
        made = await drive(Random(f"replicas {seed}"), bare, redis.url, redis.url)  # noqa: S311
    assert made.counts["shown"] > 20


async def test_a_revoked_token_is_shown_what_it_was_shown_for_as_long_as_the_setting_says(
    bare: SandboxUpstream,
) -> None:
    """And not a moment longer: neither a group, nor a page, nor an answer that lies ready."""
    async with world(Random(1), bare, "memory://") as (made, _):  # noqa: S311 - test data
        [gateway], token, id = made.gateways, made.tokens[0], made.ids[0]
        for _ in range(3):
            await gateway.data(NAME, token=token, id=id)
            await gateway.data(LIST, token=token)
        made.history.revoke(token)
        made.history.now += SEARCH_TTL - 0.1
        assert len((await gateway.data(LIST, token=token))["groups"]["nodes"]) == len(made.ids)
        made.history.now += 0.2
        assert _groups(await gateway(LIST, token=token)) == []
        made.history.now += TTL - SEARCH_TTL - 0.2
        assert (await gateway.data(NAME, token=token, id=id))["group"]["id"] == id
        made.history.now += 0.2
        answer = await gateway(NAME, token=token, id=id)
        assert answer["data"] == {"group": None}
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
