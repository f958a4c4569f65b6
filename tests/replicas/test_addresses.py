"""Replicas that reach one Redis at different addresses share it all the same."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Sandbox
from redis_server import RedisServer, redis_server
from redis_wire import redis_wire
from replicas.load import CREATE, READ
from replicas.sharing import until_sharing

BOUND = 0.6
"""Seconds: more than `GROUP_GATEWAY_CACHE_SILENCE`, 0.5."""
RENAME = """mutation ($id: ID!, $name: String!) {
  updateGroup(input: { id: $id, name: $name }) { group { name } issues { code } }
}"""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a Redis."""
    with redis_server(tmp_path, "--requirepass", "the redis's") as server:
        yield server


async def test_without_a_secret(
    make_gateway: Callable[..., Any], sandbox: Sandbox, redis: RedisServer
) -> None:
    """By another port, with and without a database: the password of Redis is what they share."""
    sandbox.use(etag=True)
    settings = {"cache_timeout": 0.5, "cache_ttl": 3600.0}
    async with redis_wire(redis.port) as wire:
        urls = [f"redis://:the%20redis's@127.0.0.1:{redis.port}"]
        urls.append(f"redis://default:the%20redis's@localhost:{wire.port}/0")
        gateways = [await make_gateway(cache_url=url, **settings) for url in urls]
        await until_sharing(gateways, sandbox)
        id = (await gateways[0].data(CREATE, name="0"))["createGroup"]["group"]["id"]
        assert (await gateways[1].data(READ, id=id))["group"]["name"] == "0"
        await gateways[0].data(RENAME, id=id, name="1")
        await asyncio.sleep(BOUND)
        assert (await gateways[1].data(READ, id=id))["group"]["name"] == "1"
