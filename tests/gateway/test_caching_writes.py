"""A write through any gateway is seen by every caller at once, whatever was read before."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import Sandbox
from frontdoor import Gateway
from gateway.writing import ADD, ASSIGN, CREATE, REMOVE, UPDATE, Way, on, patients
from group_gateway.sandbox.wellknown import SEED_PATIENT_ID, TEAM_ID
from redis_server import RedisServer, redis_server
from redis_wire import APPEND, MGET, Hold, redis_wire

SEEN = """
query ($id: ID!, $patient: ID!) {
  group(id: $id) { name active version responsibilities member { entity { reference } } }
  byId: groups(filter: { id: [$id] }) { nodes { name } }
  byPatient: groups(filter: { patient: $patient }) { totalCount nodes { id name } }
  groups(first: 100) { totalCount nodes { id name } }
}
"""
NAME = "query ($id: ID!) { group(id: $id) { name } }"
LIST = "{ groups(filter: { type: PRACTITIONER }, first: 100) { nodes { id name } } }"
SECRET = "the secret of both gateways"
CALLERS = ("sandbox", "sandbox-read", "sandbox-other")
NURSE = [{"reference": "Practitioner/0123456789abcdef0123456789abcdef"}]
MUTATIONS = {
    "create": (CREATE, {"type": "PERSON", "name": "New", "member": patients(SEED_PATIENT_ID)}),
    "update": (UPDATE, {"id": TEAM_ID, "name": "Renamed", "active": False}),
    "add": (ADD, {"groupId": TEAM_ID, "members": NURSE}),
    "assign": (ASSIGN, {"groupId": TEAM_ID, "responsibilities": ["REVIEW_COVERAGES"]}),
    "remove": (REMOVE, {"groupId": TEAM_ID, "members": NURSE}),
}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Yield a Redis of the test's own."""
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture(params=["memory", "redis", "two gateways"])
async def pair(
    request: pytest.FixtureRequest, make_gateway: Callable[..., Any], sandbox: Sandbox
) -> tuple[Gateway, Gateway]:
    """Return the gateway that is written through, and the one that is read from."""
    sandbox.use(etag=True)
    if request.param == "memory":
        writer = reader = await make_gateway()
    else:
        url = request.getfixturevalue("redis").url
        writer = reader = await make_gateway(cache_url=url)
        if request.param == "two gateways":
            reader = await make_gateway(cache_url=url)
    return writer, reader


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_every_mutation_is_seen_by_every_caller(
    pair: tuple[Gateway, Gateway], make_gateway: Callable[..., Any], mutation: str
) -> None:
    """What a caller is shown afterwards is what a gateway without a cache shows it."""
    writer, reader = pair
    without: Gateway = await make_gateway(cache_ttl=0)
    if mutation == "remove":
        document, given = MUTATIONS["add"]
        await writer.data(document, input=given)
    asked = {"id": TEAM_ID, "patient": SEED_PATIENT_ID}
    before = [await reader.data(SEEN, token=token, **asked) for token in CALLERS]
    document, given = MUTATIONS[mutation]
    [payload] = (await writer.data(document, input=given)).values()
    assert [issue for issue in payload["issues"] if issue["severity"] == "ERROR"] == []
    after = [await reader.data(SEEN, token=token, **asked) for token in CALLERS]
    assert after != before
    assert after == [await without.data(SEEN, token=token, **asked) for token in CALLERS]


class Held(Way):
    """A way on which the first answer to a GET is held up."""

    def __init__(self, sandbox: Any) -> None:
        super().__init__(sandbox)
        self.hold: Hold | None = Hold(b"GET")

    async def answered(self, response: httpx.Response) -> None:
        """Hold the answer up."""
        hold = self.hold
        if hold is not None and response.request.method == "GET":
            self.hold = None
            await hold.pass_by()


def _names(data: dict[str, Any]) -> list[str]:
    if "group" in data:
        return [data["group"]["name"]]
    return [node["name"] for node in data["groups"]["nodes"] if node["id"] == TEAM_ID]


@pytest.mark.parametrize("document", [NAME, LIST])
@pytest.mark.parametrize("kind", ["memory", "redis"])
async def test_a_slow_read_that_a_write_overtook_brings_nothing_back(
    sandbox: Sandbox, redis: RedisServer, kind: str, document: str
) -> None:
    """Its outdated response is neither joined by later reads, nor cached for them."""
    sandbox.use(etag=True)
    way = Held(sandbox)
    hold = way.hold
    assert hold is not None
    url = redis.url if kind == "redis" else "memory://"
    asked = {"id": TEAM_ID} if document == NAME else {}
    async with on(way, cache_url=url) as gateway:
        slow = asyncio.create_task(gateway.data(document, **asked))
        await hold.reached.wait()
        await gateway.data(UPDATE, input={"id": TEAM_ID, "name": "Renamed"})
        assert _names(await gateway.data(document, **asked)) == ["Renamed"]
        hold.release.set()
        assert _names(await slow) != ["Renamed"]
        for again in (document, document + "# another document"):
            assert _names(await gateway.data(again, **asked)) == ["Renamed"]


@pytest.mark.parametrize("document", [NAME, NAME + "# another document"])
async def test_a_look_up_that_a_write_overtook_is_not_joined(
    make_gateway: Callable[..., Any], sandbox: Sandbox, redis: RedisServer, document: str
) -> None:
    """It found the old entry just before the write's invalidation took effect."""
    sandbox.use(etag=True)
    async with redis_wire(redis.port) as wire:
        gateway: Gateway = await make_gateway(cache_url=wire.url, secret=SECRET)
        other: Gateway = await make_gateway(cache_url=redis.url, secret=SECRET)
        await other.data("query ($id: ID!) { group(id: $id) { id } }", id=TEAM_ID)
        await gateway.data(LIST)
        invalidation = wire.held_request = Hold(APPEND)
        write = asyncio.create_task(gateway.data(UPDATE, input={"id": TEAM_ID, "name": "Renamed"}))
        await invalidation.reached.wait()
        found = wire.held_reply = Hold(MGET)
        slow = asyncio.create_task(gateway.data(NAME, id=TEAM_ID))
        await found.reached.wait()
        invalidation.release.set()
        await write
        read = asyncio.create_task(gateway.data(document, id=TEAM_ID))
        await asyncio.sleep(0.02)
        found.release.set()
        assert _names(await read) == ["Renamed"]
        await slow


@pytest.mark.parametrize("document", [NAME, NAME + "# another document", LIST])
async def test_a_slow_read_is_not_joined_by_those_who_come_after_a_silence(
    make_gateway: Callable[..., Any], sandbox: Sandbox, redis: RedisServer, document: str
) -> None:
    """A gateway cut off from invalidations joins no call that is older than the bound."""
    sandbox.use(etag=True)
    way = Held(sandbox)
    hold = way.hold = Hold(b"GET")
    shared = {"secret": SECRET, "cache_silence": 0.05, "cache_timeout": 0.5}
    slow_document = LIST if document == LIST else NAME
    asked = {} if document == LIST else {"id": TEAM_ID}
    async with redis_wire(redis.port) as wire, on(way, cache_url=wire.url, **shared) as reader:
        other: Gateway = await make_gateway(cache_url=redis.url, **shared)
        slow = asyncio.create_task(reader.data(slow_document, **asked))
        await hold.reached.wait()
        silence = wire.held_reply = Hold(b"XREAD")
        await other.data(UPDATE, input={"id": TEAM_ID, "name": "Renamed"})
        while (await reader.http.get("/readyz")).json()["cache"] == "ok":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # what is younger than the bound may be joined
        assert _names(await reader.data(document, **asked)) == ["Renamed"]
        hold.release.set()
        await slow
        silence.release.set()


@pytest.mark.parametrize("document", [NAME, NAME + "# another document", LIST])
async def test_a_slow_read_is_not_joined_after_a_write_that_redis_did_not_hear_of(
    sandbox: Sandbox, redis: RedisServer, document: str
) -> None:
    """A writer sees its own write, with Redis and without."""
    sandbox.use(etag=True)
    way = Held(sandbox)
    slow_document = LIST if document == LIST else NAME
    asked = {} if document == LIST else {"id": TEAM_ID}
    async with redis_wire(redis.port) as wire, on(way, cache_url=wire.url) as gateway:
        way.hold = None
        await gateway.data("{ groups(first: 1) { totalCount } }")
        hold = way.hold = Hold(b"GET")
        slow = asyncio.create_task(gateway.data(slow_document, **asked))
        await hold.reached.wait()
        wire.cut()
        await gateway.data(UPDATE, input={"id": TEAM_ID, "name": "Renamed"})
        assert _names(await gateway.data(document, **asked)) == ["Renamed"]
        hold.release.set()
        await slow


async def test_a_write_that_redis_did_not_hear_of_reaches_the_others_by_itself(
    make_gateway: Callable[..., Any], sandbox: Sandbox, redis: RedisServer
) -> None:
    """The gateway that was cut off sends it as soon as it can, without any request."""
    sandbox.use(etag=True)
    async with redis_wire(redis.port) as wire:
        cut_off: Gateway = await make_gateway(cache_url=wire.url, secret=SECRET)
        other: Gateway = await make_gateway(cache_url=redis.url, secret=SECRET)
        old = _names(await other.data(NAME, id=TEAM_ID))
        await cut_off.data(NAME, id=TEAM_ID)
        wire.cut()
        await cut_off.data(UPDATE, input={"id": TEAM_ID, "name": "Renamed"})
        assert _names(await cut_off.data(NAME, id=TEAM_ID)) == ["Renamed"]
        assert _names(await other.data(NAME, id=TEAM_ID)) == old
        wire.mend()
        async with asyncio.timeout(10):
            while _names(await other.data(NAME, id=TEAM_ID)) == old:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.05)
        assert _names(await cut_off.data(NAME, id=TEAM_ID)) == ["Renamed"]
