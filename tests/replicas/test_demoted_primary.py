"""A Redis that has become a replica and gets nothing new: who is left with it believes nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import Sandbox
from redis_server import redis_server
from replicas.load import CREATE, READ
from replicas.redis_topologies import told, until
from replicas.sharing import until_sharing

BOUND = 0.6
"""Seconds: more than `GROUP_GATEWAY_CACHE_SILENCE`, 0.5."""
RENAME = """mutation ($id: ID!, $name: String!) {
  updateGroup(input: { id: $id, name: $name }) { group { name } issues { code } }
}"""


async def test_who_is_left_with_it_sees_what_others_write(
    make_gateway: Callable[..., Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    """The name of Redis leads one gateway to the new primary, and another still to the old one."""
    sandbox.use(etag=True)
    folders = [tmp_path / name for name in ("old", "new")]
    for folder in folders:
        folder.mkdir()
    shared = {"secret": "a secret of the tests", "cache_timeout": 0.5, "cache_ttl": 3600.0}
    with redis_server(folders[0]) as old, redis_server(folders[1]) as new:
        await asyncio.to_thread(told, new.port, "REPLICAOF", "127.0.0.1", str(old.port))
        await until(lambda: "master_link_status:up" in told(new.port, "INFO"), "a replica")
        left = await make_gateway(cache_url=old.url, **shared)
        await until_sharing([left, left], sandbox)
        await asyncio.to_thread(told, new.port, "REPLICAOF", "NO", "ONE")
        await asyncio.to_thread(told, old.port, "REPLICAOF", "127.0.0.1", "1")
        moved = await make_gateway(cache_url=new.url, **shared)
        await until_sharing([moved, moved], sandbox)
        id = (await moved.data(CREATE, name="0"))["createGroup"]["group"]["id"]
        for number in range(1, 4):
            assert (await left.data(READ, id=id))["group"]["name"] == str(number - 1)
            await moved.data(RENAME, id=id, name=str(number))
            await asyncio.sleep(BOUND)
