"""No caller ever receives what the upstream would have refused it within the time to live."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from conftest import Sandbox as SandboxUpstream
from frontdoor import Gateway, opened
from gateway.isolation import ADMIN, SILENCE, History, Moment, Told, Upstream, Window
from gateway.isolation_callers import ByKey, ByToken, PassedOn
from gateway.isolation_listeners import listen
from group_gateway.app import create_app
from group_gateway.config import Settings
from group_gateway.sandbox import SandboxOptions
from group_gateway.sandbox import create_app as create_sandbox
from group_gateway.sandbox.tokens import Caller
from redis_server import redis_server

TTL, SEARCH_TTL = 30.0, 10.0
GROUPS = 6
STEPS = 160
LISTENERS = 6
NAME = "query ($id: ID!) { group(id: $id) { id name } }"
LIST = "{ groups(first: 50) { nodes { id name } } }"
SOME = "query ($ids: [ID!]) { groups(filter: { id: $ids }) { nodes { id name } } }"
PAST = """query ($id: ID!) { group(id: $id) {
  id name history(first: 100) { nodes { group { id name } } } } }"""
MINE = "{ viewer { reference groups(first: 50) { nodes { id name } } } }"
RENAME = """mutation ($id: ID!, $name: String!) {
  updateGroup(input: { id: $id, name: $name }) { group { id name } }
}"""
HL7 = "/fhir/$graphql"
HL7_NAME = "query ($id: ID) { Group(id: $id) { id name } }"
HL7_LIST = "{ GroupList { id name } }"
HL7_SOME = "query ($ids: [token]) { GroupList(_id: $ids) { id name } }"
HL7_PAGE = "{ GroupConnection(_count: 4) { edges { resource { id name } } } }"
HL7_RENAME = """mutation ($id: ID!, $name: String!) {
  GroupUpdate(id: $id, res: { type: person, actual: true, name: $name }) { id name }
}"""
RENAMES = {RENAME, HL7_RENAME}
STALE = 45.0
Way = Callable[[History], PassedOn]
"""Makes the way in which gateways know their callers."""


class World:
    """Gateways on one cache, their callers, and what these did."""

    def __init__(
        self, rng: Random, callers: PassedOn, gateways: list[Gateway], apps: list[Starlette]
    ) -> None:
        self.through_hl7 = False
        self.rng = rng
        self.callers = callers
        self.history = callers.history
        self.gateways = gateways
        self.apps = apps
        self.listeners: list[asyncio.Task[None]] = []
        self.tokens = [callers.issue(kind) for kind in callers.kinds]
        self.revoked: list[str] = []
        self.ids: list[str] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.written: dict[tuple[int, str], int] = {}
        self.told = Told()
        self.counts: Counter[str] = Counter()

    async def ask(self) -> None:
        """Read or write as a caller, whose token may be worthless by now."""
        token = self.rng.choice([*self.tokens, *self.revoked[-3:]])
        number, id = self.rng.randrange(len(self.gateways)), self.rng.choice(self.ids)
        name = f"Name {self.history.moment().place}"
        path, query, variables, ttl = self.rng.choice(self._questions(id, name))
        began = self.history.moment()
        told = self.told.to(number)
        written, refused = dict(self.written), self.history.refused.get(token)
        response = await self.gateways[number].http.post(
            path,
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {token}"},
        )
        answer = response.json()
        ended = self.history.moment()
        self.counts["asked"] += 1
        self._judge_past(token, answer, Window(began.time, began.place, ended.place), began)
        viewer = (answer.get("data") or {}).get("viewer")
        if viewer is not None:
            assert viewer["reference"] == self.callers.person(token)
            self.counts["viewers"] += 1
        is_stale = "stale" in answer.get("extensions", {})
        if is_stale:
            assert self.history.was_down_since(began)
            ttl += STALE
            self.counts["stale"] += 1
        for group in _groups(answer):
            first = began.place if query in RENAMES else written.get((number, group["id"]), 0)
            first = max(first, told.get(group["id"], 0))
            if is_stale and refused and refused.time < began.time:  # and the gateway knows it
                first = max(first, refused.place)
            window = Window(began.time - ttl, first, ended.place)
            shown = (token, group["id"], group["name"], window, began)
            assert self.callers.allows(*shown), (shown, query, self.history.names[group["id"]])
            self.counts["shown"] += 1
            self.counts["shown to a revoked token"] += token in self.revoked
            if query in RENAMES and group["name"] == name:
                span = next(s for s in self.history.names[id] if s.of == name)
                place = max(self.written.get((number, id), 0), span.since.place)
                self.written[number, id] = place
                self.told.note(id, number, place)

    def _judge_past(self, token: str, answer: Any, window: Window, began: Moment) -> None:
        """Judge a history: it is read anew each time, and its newest version is the group's own."""
        history = ((answer.get("data") or {}).get("group") or {}).get("history")
        for number, version in enumerate(history["nodes"] if history else ()):
            group, allows = (
                version["group"],
                self.callers.allows_past if number else self.callers.allows,
            )
            shown = (token, group["id"], group["name"], window, began)
            assert allows(*shown), (shown, self.history.names[group["id"]])
            self.counts["past names"] += number > 0

    def _questions(self, id: str, name: str) -> list[tuple[str, str, dict[str, Any], float]]:
        """Return what may be asked: where, what, and for how long the answer may be kept."""
        some = {"ids": self.rng.sample(self.ids, 3)}
        if self.through_hl7:
            return [
                (HL7, HL7_NAME, {"id": id}, TTL),
                (f"/fhir/Group/{id}/$graphql", "{ id name }", {}, TTL),
                (HL7, HL7_LIST, {}, SEARCH_TTL),
                (HL7, HL7_PAGE, {}, SEARCH_TTL),
                (HL7, HL7_SOME, some, TTL),
                (HL7, HL7_RENAME, {"id": id, "name": name}, 0.0),
            ]
        return [
            ("/graphql", NAME, {"id": id}, TTL),
            ("/graphql", NAME, {"id": id}, TTL),
            ("/graphql", LIST, {}, SEARCH_TTL),
            ("/graphql", SOME, some, TTL),
            ("/graphql", PAST, {"id": id}, TTL),
            ("/graphql", MINE, {}, SEARCH_TTL),
            ("/graphql", RENAME, {"id": id, "name": name}, 0.0),
        ]

    async def step(self, upstream: httpx.AsyncClient) -> None:
        """Take one step."""
        match self.rng.randrange(20):
            case 0:
                await self.settle()
                self.history.now += self.rng.choice([1.0, 4.0, 9.0, 11.0, 31.0])
            case 1 | 2:
                number = self.rng.randrange(len(self.tokens))
                self.revoked.append(self.tokens[number])
                self.callers.end(self.tokens[number])
                self.tokens[number] = self.callers.issue(self.callers.kinds[number])
            case 3:
                self.history.is_down = True
            case 7 if self.callers.listen and len(self.listeners) < LISTENERS:
                self._listen()
            case 4 | 5 | 6 if self.history.is_down:
                self.history.is_down = False
            case 5 if len(self.gateways) > 1:
                await asyncio.sleep(SILENCE)  # from now on all gateways show what was written
            case 4:
                await rename(upstream, self.rng.choice(self.ids), self.history)
            case _:
                self.tasks.add(asyncio.create_task(self.ask()))
        for _ in range(self.rng.randrange(30)):
            await asyncio.sleep(0)

    def _listen(self) -> None:
        """Let somebody follow the list of groups, and judge each change when it is sent."""
        token = self.rng.choice(self.tokens)

        def judge(change: Any) -> None:
            now = self.history.moment()
            assert self.history.rights[token].sees(change["id"]), (token, change)
            if change["group"] is not None:
                window = Window(now.time - SEARCH_TTL, 0, now.place)
                shown = (token, change["id"], change["group"]["name"], window, now)
                assert self.callers.allows(*shown), (shown, self.history.names[change["id"]])
            self.counts["changes"] += 1

        work = listen(self.rng.choice(self.apps), token, judge)
        self.listeners.append(asyncio.create_task(work))

    async def leave(self) -> None:
        """Let all listeners leave; raise what was wrong with what they were told."""
        for task in self.listeners:
            task.cancel()
        for outcome in await asyncio.gather(*self.listeners, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    async def settle(self) -> None:
        """Wait for all answers."""
        await asyncio.gather(*self.tasks)
        self.tasks.clear()


def _groups(answer: Any) -> list[Any]:
    """Return the groups of an answer, whatever it answers."""
    data = answer.get("data") or {}
    found = [data.get("group"), (data.get("updateGroup") or {}).get("group")]
    found += [data.get("Group"), data.get("GroupUpdate"), data if "id" in data else None]
    edges = (data.get("GroupConnection") or {}).get("edges") or []
    found += [*(data.get("GroupList") or []), *(edge["resource"] for edge in edges)]
    lists = [data.get("groups"), (data.get("viewer") or {}).get("groups")]
    return [g for g in [*found, *(g for page in lists if page for g in page["nodes"])] if g]


async def rename(upstream: httpx.AsyncClient, id: str, history: History) -> None:
    """Rename a group without the gateways' knowledge."""
    group = {"resourceType": "Group", "id": id, "type": "person", "actual": True}
    group["member"] = [{"entity": {"reference": "Patient/ada"}}]
    group["name"] = f"Name {history.moment().place}"
    (await upstream.put(f"/Group/{id}", json=group)).raise_for_status()


async def create(upstream: httpx.AsyncClient) -> list[str]:
    """Create groups, some that half of the callers may not see and some that they may."""
    ids: list[str] = []
    while not len(ids) >= GROUPS or len({Caller(half=True).sees(id) for id in ids}) < 2:
        group = {"resourceType": "Group", "type": "person", "actual": True, "name": "New"}
        group["member"] = [{"entity": {"reference": "Patient/ada"}}]
        answer = await upstream.post("/Group", json=group)
        ids.append(answer.headers["location"].rpartition("/")[2])
    return ids


@pytest.fixture
def bare() -> Iterator[SandboxUpstream]:
    """Yield a sandbox without any groups, whose versions distinguish all writes."""
    app = create_sandbox(SandboxOptions(seed=False))
    sandbox = SandboxUpstream(app)
    sandbox.use(etag=True)
    yield sandbox
    app.state.sandbox.close()


@asynccontextmanager
async def world(
    rng: Random, sandbox: SandboxUpstream, way: Way, *cache_urls: str, **settings: Any
) -> AsyncIterator[tuple[World, httpx.AsyncClient]]:
    """Yield a world with a gateway for each address of a cache."""
    history = History(sandbox)
    callers = way(history)
    transport = Upstream(sandbox, history, rng)
    base = {
        "upstream_url": "http://upstream.test",
        "upstream_rest": 0,
        "upstream_retries": 0,
        "cache_ttl": TTL,
        "cache_search_ttl": SEARCH_TTL,
        "cache_timeout": 10,
        "fhir_graphql": True,
        "subscriptions": True,
        "subscription_interval": 3600.0,
        **callers.settings(),
        **settings,
    }
    async with AsyncExitStack() as stack:
        apps = [
            create_app(
                Settings(**base, cache_url=url),
                transport=transport,
                clock=lambda: history.now,
                monotonic=lambda: history.now,
            )
            for url in cache_urls
        ]
        gateways = [await stack.enter_async_context(opened(app)) for app in apps]
        upstream = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://upstream.test", headers=ADMIN)
        )
        made = World(rng, callers, gateways, apps)
        made.ids = await create(upstream)
        yield made, upstream


async def drive(
    rng: Random,
    sandbox: SandboxUpstream,
    way: Way,
    *cache_urls: str,
    through_hl7: bool = False,
    **settings: Any,
) -> World:
    """Take steps in a random order, and check each response."""
    async with world(rng, sandbox, way, *cache_urls, **settings) as (made, upstream):
        made.through_hl7 = through_hl7
        for _ in range(STEPS):
            await made.step(upstream)
        await made.settle()
        await made.leave()
        print(dict(made.counts))  # noqa: T201 - shown with -s: what the run was worth
        return made


@pytest.fixture(params=["passed on", "by token", "by key"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Way:
    """Return each way in which a gateway knows its callers."""
    tokens = Random("tokens")  # noqa: S311 - test data
    ways: dict[str, Way] = {
        "passed on": PassedOn,
        "by token": lambda history: ByToken(history, tokens),
        "by key": lambda history: ByKey(history, tmp_path),
    }
    return ways[request.param]


@pytest.mark.parametrize("seed", range(6))
async def test_in_memory(bare: SandboxUpstream, way: Way, seed: int) -> None:
    """Any order of reads, writes here and there, revocations and expiry, on one gateway."""
    rng = Random(f"isolation {seed}")  # noqa: S311 - test data
    made = await drive(rng, bare, way, "memory://", cache_stale=STALE)
    assert made.counts["shown"] > 5


@pytest.mark.parametrize("seed", range(3))
async def test_through_hl7(bare: SandboxUpstream, way: Way, seed: int) -> None:
    """The same through HL7's interface."""
    rng = Random(f"hl7 {seed}")  # noqa: S311 - test data
    made = await drive(rng, bare, way, "memory://", cache_stale=STALE, through_hl7=True)
    assert made.counts["shown"] > 5


@pytest.mark.parametrize("encryption", [False, True], ids=["sealed", "encrypted"])
async def test_in_redis(
    bare: SandboxUpstream, tmp_path: Path, way: Way, *, encryption: bool
) -> None:
    """The same on two gateways that share a Redis; what one wrote, the other shows too."""
    hidden = {"cache_encryption": encryption, "secret": "0123456789abcdef"}
    rng = Random(f"replicas {encryption}")  # noqa: S311 - test data
    with redis_server(tmp_path) as redis:
        urls, hidden = (redis.url, redis.url), hidden | {"cache_silence": SILENCE}
        made = await drive(rng, bare, way, *urls, cache_stale=STALE, **hidden)
    assert made.counts["shown"] > 5


async def test_a_revoked_token_is_shown_what_it_was_shown_for_as_long_as_the_setting_says(
    bare: SandboxUpstream,
) -> None:
    """And not a moment longer: neither a group, nor a page, nor an answer that lies ready."""
    async with world(Random(1), bare, PassedOn, "memory://") as (made, _):  # noqa: S311 - test data
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
