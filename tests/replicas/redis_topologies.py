"""Real Redis (or Valkey) in the shapes that people run: a cluster, and a pair with sentinels."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from redis_server import RedisServer, redis_server

PATIENCE = 60.0
SERVICE = "cache"
_QUICK = ("--repl-diskless-sync-delay", "0", "--repl-timeout", "5")


def has_tls(binary: str) -> bool:
    """Return whether a server was built with TLS. If so it misses a certificate."""
    done = subprocess.run(
        [binary, "--port", "0", "--tls-port", "1"],
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    return "tls-cert-file" in done.stdout + done.stderr


async def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait until something is so."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while not await asyncio.to_thread(is_so):
        assert asyncio.get_running_loop().time() < end, f"not within {PATIENCE} s: {what}"
        await asyncio.sleep(0.1)


def told(port: int, *words: str) -> str:
    """Send a command to a server; return what redis-cli prints."""
    done = subprocess.run(
        ["redis-cli", "-p", str(port), *words],
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    return done.stdout


async def until_another(primary: Callable[[], RedisServer], before: RedisServer) -> None:
    """Wait until another server is the primary."""
    await until(lambda: primary() is not before, "a fail-over")


@dataclass
class Sentinels:
    """A primary, a replica, and three sentinels that watch them."""

    pair: list[RedisServer]
    sentinels: list[RedisServer]

    @property
    def url(self) -> str:
        """What `GROUP_GATEWAY_CACHE_URL` takes."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}"

    def primary(self) -> RedisServer:
        """Return the server that the sentinels name."""
        words = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        port = told(self.sentinels[0].port, *words).split()[-1]
        [found] = [each for each in self.pair if str(each.port) == port]
        return found


@asynccontextmanager
async def sentinels(folder: Path, binary: str = "redis-server") -> AsyncIterator[Sentinels]:
    """Run a pair with three sentinels within the block."""
    async with AsyncExitStack() as stack:

        def run(name: str, *options: str, settings: Path | None = None) -> RedisServer:
            place = folder / name
            place.mkdir()
            server = redis_server(place, *options, binary=binary, settings=settings)
            return stack.enter_context(server)

        primary = run("primary", *_QUICK)
        replica = run("replica", *_QUICK, "--replicaof", "127.0.0.1", str(primary.port))
        await until(lambda: "master_link_status:up" in told(replica.port, "INFO"), "a replica")
        watching = []
        for number in range(3):
            settings = folder / f"sentinel{number}.conf"
            settings.write_text(
                f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} 2\n"
                f"sentinel down-after-milliseconds {SERVICE} 500\n"
                f"sentinel failover-timeout {SERVICE} 2000\n"
            )
            watching.append(run(f"sentinel{number}", "--sentinel", settings=settings))
        made = Sentinels([primary, replica], watching)
        for each in watching:
            await until(
                lambda port=each.port: "num-other-sentinels\n2" in told(  # type: ignore[misc]
                    port, "SENTINEL", "MASTER", SERVICE
                ) and "num-slaves\n1" in told(port, "SENTINEL", "MASTER", SERVICE),
                "sentinels that know each other",
            )  # fmt: skip
        yield made


@dataclass
class Cluster:
    """Three primaries, and a replica of each."""

    servers: list[RedisServer]

    @property
    def url(self) -> str:
        """What `GROUP_GATEWAY_CACHE_URL` takes."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.servers[:2])
        return f"redis+cluster://{hosts}"

    def nodes(self, port: int | None = None) -> list[list[str]]:
        """Return the nodes as one of them that answers knows them."""
        for each in self.servers:
            if each.process is not None and each.port != port:
                lines = told(each.port, "CLUSTER", "NODES").splitlines()
                if lines:
                    return [line.split() for line in lines]
        return []

    def holder(self, key: str) -> RedisServer:
        """Return the primary that holds a key."""
        slot = int(told(self.servers[0].port, "CLUSTER", "KEYSLOT", key))
        for node in self.nodes():
            for span in node[8:]:
                first, _, last = span.partition("-")
                if "[" not in span and int(first) <= slot <= int(last or first):
                    port = int(node[1].split("@")[0].rpartition(":")[2])
                    [found] = [each for each in self.servers if each.port == port]
                    return found
        raise AssertionError(f"nobody holds slot {slot}")

    def is_well(self) -> bool:
        """Return whether every slot is held, as all that answer know."""
        return all(
            "cluster_state:ok" in told(each.port, "CLUSTER", "INFO")
            for each in self.servers
            if each.process is not None
        )

    def move(self, key: str) -> None:
        """Move the slot of a key, and its keys, to another primary, as resharding does."""
        slot = told(self.servers[0].port, "CLUSTER", "KEYSLOT", key).strip()
        source = self.holder(key)
        ids = {int(n[1].split("@")[0].rpartition(":")[2]): n[0] for n in self.nodes()}
        primaries = [n for n in self.nodes() if "master" in n[2] and n[0] != ids[source.port]]
        target_port = int(primaries[0][1].split("@")[0].rpartition(":")[2])
        told(target_port, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source.port])
        told(source.port, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target_port])
        while keys := told(source.port, "CLUSTER", "GETKEYSINSLOT", slot, "10").split():
            place = ("127.0.0.1", str(target_port), "", "0", "5000", "KEYS")
            told(source.port, "MIGRATE", *place, *keys)
        for port in (target_port, source.port):
            told(port, "CLUSTER", "SETSLOT", slot, "NODE", ids[target_port])


@asynccontextmanager
async def cluster(folder: Path, binary: str = "redis-server") -> AsyncIterator[Cluster]:
    """Run a cluster within the block."""
    async with AsyncExitStack() as stack:
        servers = []
        for number in range(6):
            place = folder / f"node{number}"
            place.mkdir()
            options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000", *_QUICK)
            servers.append(
                stack.enter_context(redis_server(place, *options, binary=binary, below=50_000))
            )
        made = Cluster(servers)
        places = [f"127.0.0.1:{each.port}" for each in servers]
        words = ["redis-cli", "--cluster", "create", *places, "--cluster-replicas", "1"]
        await asyncio.to_thread(
            subprocess.run,
            [*words, "--cluster-yes"], check=True, capture_output=True, timeout=PATIENCE,
        )  # fmt: skip
        await until(made.is_well, "a cluster that is well")
        yield made
