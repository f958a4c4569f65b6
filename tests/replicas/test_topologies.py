"""Two gateways on Redis as people run it: alone, with TLS, behind sentinels, as a cluster.

Servers fail over, move slots, stop and go on in the middle of a mixed load. No answer is wrong, no
write is lost, and the gateways share again within seconds.
"""

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from conftest import Sandbox
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from redis_server import redis_server
from replicas.conftest import Pair
from replicas.load import READ
from replicas.redis_topologies import (
    Cluster,
    cluster,
    has_tls,
    sentinels,
    told,
    until_another,
)
from replicas.sharing import is_left_alone, under_load, until_sharing
from transport.certificates import Authority

SERVERS = [name for name in ("redis-server", "valkey-server") if shutil.which(name)]
"""What is installed. `.ci/valkey.txt` has a Valkey, without TLS."""
ALLOWED = "+mget +get +set +del +pttl +expire +pexpire +eval +info +xadd +xread +xrange +xrevrange"
IN_A_CLUSTER = "+command +cluster|slots +asking"


@pytest.mark.parametrize("binary", SERVERS)
async def test_one_server(pair: Pair, sandbox: Sandbox, tmp_path: Path, binary: str) -> None:
    """It is killed with all that it held, and started again."""
    with redis_server(tmp_path, binary=binary) as server:
        url = server.url.replace("redis:", "valkey:") if "valkey" in binary else server.url
        gateways = await pair(url)
        await until_sharing(gateways, sandbox)
        async with under_load(gateways, sandbox):
            server.kill()
            await asyncio.sleep(0.5)
            await asyncio.to_thread(server.start)


@pytest.mark.parametrize("binary", SERVERS)
async def test_a_fail_over_by_sentinels(
    pair: Pair, sandbox: Sandbox, tmp_path: Path, binary: str
) -> None:
    """The primary dies; the sentinels make the replica the primary."""
    async with sentinels(tmp_path, binary) as servers:
        gateways = await pair(servers.url)
        await until_sharing(gateways, sandbox)
        async with under_load(gateways, sandbox):
            before = servers.primary()
            before.kill()
            await until_another(servers.primary, before)


async def test_a_primary_that_stands_still_and_comes_back(
    pair: Pair, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The replica takes over; the old primary becomes its replica, and no gateway follows it."""
    async with sentinels(tmp_path) as servers:
        gateways = await pair(servers.url)
        async with under_load(gateways, sandbox):
            before = servers.primary()
            before.freeze()
            await until_another(servers.primary, before)
            await asyncio.sleep(0.5)
            before.thaw()
            await asyncio.sleep(1)


@pytest.mark.parametrize("binary", SERVERS)
async def test_a_cluster(pair: Pair, sandbox: Sandbox, tmp_path: Path, binary: str) -> None:
    """Slots move, then the primary that holds the stream dies and its replica takes over."""
    async with cluster(tmp_path, binary) as servers:
        gateways = await pair(servers.url)
        await until_sharing(gateways, sandbox)
        stream = _stream(servers)
        async with under_load(gateways, sandbox):
            await asyncio.to_thread(servers.move, stream)
            await asyncio.sleep(1)
        async with under_load(gateways, sandbox):
            (await asyncio.to_thread(servers.holder, stream)).kill()
            await asyncio.sleep(1)


@pytest.mark.parametrize("binary", [name for name in SERVERS if has_tls(name)])
async def test_tls_with_a_user_and_a_client_certificate(
    pair: Pair, sandbox: Sandbox, tmp_path: Path, binary: str
) -> None:
    """Redis asks for a certificate, and lets the user do what the documentation lists."""
    authority = Authority(tmp_path)
    authority.server("127.0.0.1")  # its certificate does for a client too
    certificate = str(tmp_path / "server.pem")
    files = {"cert-file": certificate, "key-file": certificate, "ca-cert-file": authority.ca_file}
    options = [text for name, path in files.items() for text in (f"--tls-{name}", str(path))]
    options += ["--tls-auth-clients", "yes", "--user", "default", "off"]
    options += f"--user gateway on >secret ~group-gateway:* -@all {ALLOWED}".split()
    with redis_server(tmp_path, *options, binary=binary) as server:
        url = f"rediss://gateway:secret@127.0.0.1:{server.port}"
        shown = {"cache_certificate_file": certificate, "cache_key_file": certificate}
        gateways = await pair(url, cache_ca_file=str(authority.ca_file), **shown)
        await until_sharing(gateways, sandbox)
        async with under_load(gateways, sandbox):
            await asyncio.sleep(0.5)
        [unknown, _] = await pair(url, cache_ca_file=str(authority.ca_file))
        await unknown.data(READ, id=TEST_GROUP_ID)
        assert await is_left_alone(unknown)


async def test_a_user_of_a_cluster(pair: Pair, sandbox: Sandbox, tmp_path: Path) -> None:
    """What the documentation lists is enough, also while the slot of the stream moves."""
    user = f"gateway on >secret ~group-gateway:* -@all {ALLOWED} {IN_A_CLUSTER}".split()
    async with cluster(tmp_path) as servers:
        for each in servers.servers:
            await asyncio.to_thread(told, each.port, "ACL", "SETUSER", *user)
        gateways = await pair(servers.url.replace("//", "//gateway:secret@"))
        await until_sharing(gateways, sandbox)
        async with under_load(gateways, sandbox):
            await asyncio.to_thread(servers.move, _stream(servers))
            await asyncio.sleep(0.5)


def _stream(servers: Cluster) -> str:
    """Return the key of the stream of invalidations."""
    [stream] = [
        key
        for each in servers.servers
        for key in told(each.port, "KEYS", "group-gateway:{*").split()
        if "role:master" in told(each.port, "INFO", "replication")
    ]
    return stream


def test_the_documentation_lists_what_a_user_must_be_allowed() -> None:
    """All that the tests above need, and nothing else."""
    text = Path(__file__).parents[2].joinpath("docs", "replicas.md").read_text()
    sentence = " ".join(text.split()).partition("must be allowed ")[2].partition(" on ")[0]
    named = set(re.findall(r"`(\w+)`", sentence))
    assert named == set(re.findall(r"\+(\w+)", ALLOWED.upper()))
    sentence = " ".join(text.split()).partition("In a cluster it also needs ")[2].partition(".")[0]
    named = set(re.findall(r"`([\w ]+)`", sentence))
    assert named == set(re.findall(r"\+([\w ]+\w)", IN_A_CLUSTER.upper().replace("|", " ")))
