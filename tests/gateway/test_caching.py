"""The cache through the front door: in memory, and in a real Redis that comes and goes."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Sandbox
from frontdoor import Gateway
from group_gateway.sandbox import FaultRule
from group_gateway.sandbox.wellknown import HIDDEN_TEAM_ID, SEED_PATIENT_ID, TEST_GROUP_ID, TOKEN
from redis_server import RedisServer, redis_server

NAME = "query ($id: ID!) { group(id: $id) { name } }"
LIST = "{ groups(first: 3) { nodes { name } } }"
RENAME = """
mutation ($id: ID!, $name: String!) {
  updateGroup(input: { id: $id, name: $name }) { group { name } issues { code } }
}
"""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Yield a Redis of the test's own."""
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
def cache_url(request: pytest.FixtureRequest) -> str:
    """Return the address of each kind of cache."""
    if request.param == "memory":
        return "memory://"
    return str(request.getfixturevalue("redis").url)


async def test_what_was_read_is_not_read_again(
    make_gateway: Callable[..., Any], sandbox: Sandbox, cache_url: str
) -> None:
    """A group and a search cost one call each, however often they are asked for."""
    gateway: Gateway = await make_gateway(cache_url=cache_url)
    for _ in range(3):
        await gateway.data(NAME, id=TEST_GROUP_ID)
        await gateway.data(LIST)
        await gateway.data(NAME + " # another document", id=TEST_GROUP_ID)
    assert len(sandbox.calls) == 2


async def test_a_write_drops_the_group_and_the_searches(
    make_gateway: Callable[..., Any], cache_url: str
) -> None:
    """After an update every caller reads the new name, by id and by search."""
    gateway: Gateway = await make_gateway(cache_url=cache_url)
    for token in ("sandbox", "sandbox-read"):
        await gateway.data(NAME, token=token, id=TEST_GROUP_ID)
        await gateway.data(LIST, token=token)
    payload = await gateway.data(RENAME, id=TEST_GROUP_ID, name="Renamed")
    assert payload["updateGroup"] == {"group": {"name": "Renamed"}, "issues": []}
    for token in ("sandbox", "sandbox-read"):
        assert (await gateway.data(NAME, token=token, id=TEST_GROUP_ID))["group"] == {
            "name": "Renamed"
        }
        nodes = (await gateway.data(LIST, token=token))["groups"]["nodes"]
        assert nodes[0]["name"] == "Renamed"


async def test_replicas_on_one_redis_drop_together(
    make_gateway: Callable[..., Any], redis: RedisServer
) -> None:
    """A write through one gateway is seen at once through another."""
    first: Gateway = await make_gateway(cache_url=redis.url)
    second: Gateway = await make_gateway(cache_url=redis.url)
    await second.data(NAME, id=TEST_GROUP_ID)
    await first.data(RENAME, id=TEST_GROUP_ID, name="Renamed")
    assert (await second.data(NAME, id=TEST_GROUP_ID))["group"]["name"] == "Renamed"


async def test_replicas_share_what_one_of_them_read(
    make_gateway: Callable[..., Any], sandbox: Sandbox, redis: RedisServer
) -> None:
    """What one gateway read for a caller, another does not read again for that caller."""
    first: Gateway = await make_gateway(cache_url=redis.url)
    second: Gateway = await make_gateway(cache_url=redis.url)
    await first.data(NAME, id=TEST_GROUP_ID)
    await second.data(NAME, id=TEST_GROUP_ID)
    assert len(sandbox.calls) == 1


@pytest.mark.parametrize("fault", ["kill", "freeze"])
async def test_requests_are_answered_without_redis(
    make_gateway: Callable[..., Any], redis: RedisServer, fault: str
) -> None:
    """While Redis is killed or hangs, reads and writes work, and reads see the writes."""
    gateway: Gateway = await make_gateway(cache_url=redis.url, cache_timeout=0.2)
    await gateway.data(NAME, id=TEST_GROUP_ID)
    getattr(redis, fault)()
    for number in range(3):
        name = f"Renamed {number}"
        await gateway.data(RENAME, id=TEST_GROUP_ID, name=name)
        assert (await gateway.data(NAME, id=TEST_GROUP_ID))["group"]["name"] == name
    if fault == "freeze":
        redis.thaw()


async def test_a_redis_that_fails_is_told(
    make_gateway: Callable[..., Any], redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says once that the cache fails and once that it works again, and metrics say so."""
    caplog.set_level("INFO", "group_gateway")
    gateway: Gateway = await make_gateway(cache_url=redis.url)
    left_alone = "group_gateway_cache_left_alone 1.0"

    async def is_left_alone() -> bool:
        return left_alone in (await gateway.http.get("/metrics")).text

    await gateway.data(NAME, id=TEST_GROUP_ID)
    assert not await is_left_alone()
    redis.kill()
    for _ in range(3):
        await gateway.data(LIST)
    assert await is_left_alone()
    redis.start()
    last = asyncio.get_running_loop().time() + 30
    while await is_left_alone():
        assert asyncio.get_running_loop().time() < last
        await asyncio.sleep(0.05)
    fails, works = [r.getMessage() for r in caplog.records if "cache" in r.name]
    assert fails == "The cache fails, and is bypassed until it works: ConnectionError."
    assert works == "The cache works again."


async def contents(redis: RedisServer) -> dict[bytes, bytes]:
    """Return all that lies in a Redis, once there is something."""
    async with redis.client() as client:
        found = {}
        async for key in client.scan_iter():
            is_stream = await client.type(key) == b"stream"
            held = repr(await client.xrange(key)).encode() if is_stream else await client.get(key)
            found[key] = held or b""
        return found


@pytest.mark.parametrize("encryption", [False, True])
async def test_redis_holds_no_token_and_no_id_in_a_key(
    make_gateway: Callable[..., Any],
    redis: RedisServer,
    encryption: bool,  # noqa: FBT001
) -> None:
    """Keys are digests, values hold no credential; encrypted, they hold nothing to read at all."""
    settings = {"cache_encryption": encryption, "secret": "a secret of the tests"}
    gateway: Gateway = await make_gateway(cache_url=redis.url, **settings)
    held: dict[bytes, bytes] = {}
    async with asyncio.timeout(30):
        while sum(len(value) > 100 for value in held.values()) < 2:
            await gateway.data(NAME, id=TEST_GROUP_ID)
            await gateway.data(LIST)
            held = await contents(redis)
    keys, values = b" ".join(held), b" ".join(held.values())
    for secret in (TOKEN, TEST_GROUP_ID, SEED_PATIENT_ID, "Test Group"):
        assert secret.encode() not in keys
    assert TOKEN.encode() not in values
    assert (b"Test Group" in values) is not encryption
    assert (SEED_PATIENT_ID.encode() in values) is not encryption


async def test_absence_is_kept_and_failure_is_not(gateway: Gateway, sandbox: Sandbox) -> None:
    """A group that is not there is asked for once; one that failed is asked for again."""
    for _ in range(2):
        assert (await gateway.data(NAME, id="absent"))["group"] is None
    assert len(sandbox.calls) == 1
    sandbox.use(faults=(FaultRule(kind="status", status=500, times=1),))
    assert "errors" in await gateway(NAME, id=TEST_GROUP_ID)
    assert (await gateway.data(NAME, id=TEST_GROUP_ID))["group"]["name"] == "Test Group"


@pytest.mark.parametrize("order", [("sandbox", "sandbox-other"), ("sandbox-other", "sandbox")])
async def test_nobody_gets_what_another_caller_read(
    make_gateway: Callable[..., Any], cache_url: str, order: tuple[str, str]
) -> None:
    """In either order, one caller sees the hidden team and the other is refused, every time."""
    gateway: Gateway = await make_gateway(cache_url=cache_url)
    for token in order * 3:
        answer = await gateway(NAME, token=token, id=HIDDEN_TEAM_ID)
        if token == "sandbox":
            assert answer["data"]["group"] is not None
        else:
            assert answer["data"]["group"] is None
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_totals_differ_by_caller(gateway: Gateway) -> None:
    """Each caller counts only the groups that it may see, in any order of asking."""
    query = "{ groups(first: 1) { totalCount } }"
    for _ in range(2):
        assert (await gateway.data(query))["groups"]["totalCount"] == 271
        half = await gateway.data(query, token="sandbox-other")
        assert half["groups"]["totalCount"] == 132
