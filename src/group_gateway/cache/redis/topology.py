"""From an address to a client: one server, Sentinel or a cluster, with or without TLS."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import (
    AbstractConnection,
    ConnectionPool,
)
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, ResponseError

from group_gateway.cache.redis.address import (
    checked_address,
    credentials_of,
    hosts_of,
    options_of,
)
from group_gateway.cache.redis.cancellable import cancellable
from group_gateway.cache.redis.lasting_connect import lasting

_PORTS = {"sentinel": 26379, "cluster": 6379}
_CONNECT_TIMEOUT = 1.0
"""Seconds for a connection and its handshake, at least. A call's own timeout may be shorter."""
_CONNECTIONS = 64
"""To one server, at most. `RedisCache` bounds the calls in flight, so this is never reached."""

Client = Redis | RedisCluster
Open = Callable[[str], Awaitable[AbstractConnection]]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the CA of the server's certificate, and a client certificate with its key."""

    ca: str = ""
    certificate: str = ""
    key: str = ""

    def options(self) -> dict[str, Any]:
        """Return redis-py's options."""
        named = {
            "ssl_ca_certs": self.ca,
            "ssl_certfile": self.certificate,
            "ssl_keyfile": self.key,
        }
        return {name: path for name, path in named.items() if path}


@dataclass(frozen=True, slots=True)
class RedisTopology:
    """A client for commands, and a factory for separate connections.

    `open` returns a connection, not yet connected, to the primary that holds a key. It must be
    called again after a failure, because the primary may have changed.
    """

    client: Client
    open: Open
    owners: Callable[[], Iterable[Any]]
    """What holds connections that closing the client leaves open."""

    async def connection(self, key: str) -> AbstractConnection:
        """Return a connected connection to the primary that holds a key."""
        connection = await self.open(key)
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection

    async def aclose(self) -> None:
        """Close all connections of the client."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                await self.client.aclose()
                for owner in self.owners():
                    await owner.disconnect()


def topology_of(url: str, *, timeout: float, tls: TlsFiles | None = None) -> RedisTopology:
    """Return the topology that an address names; raise AddressError. Opens nothing yet."""
    parts = checked_address(url)
    scheme, _, kind = parts.scheme.partition("+")
    wait = max(timeout, _CONNECT_TIMEOUT)
    options: dict[str, Any] = {
        "socket_timeout": wait,
        "socket_connect_timeout": wait,
        "protocol": 2,  # the third makes the server redirect the client
        "max_connections": _CONNECTIONS,
    }
    secure = scheme in {"rediss", "valkeys"}
    if secure and tls is not None:
        options |= tls.options()
    if kind == "sentinel":
        return _sentinel(parts, options, secure=secure)
    if kind == "cluster":
        return _cluster(parts, options, secure=secure)
    scheme = scheme.replace("valkey", "redis")
    return _single(f"{scheme}://{url.partition('://')[2]}", options)


def _single(url: str, options: Mapping[str, Any]) -> RedisTopology:
    pool: Any = ConnectionPool.from_url(url, **options)
    pool.connection_class = lasting(cancellable(_leaving_replicas(pool.connection_class)))
    return RedisTopology(Redis(connection_pool=pool), _opener(pool), lambda: (pool,))


def _leaving_replicas(kind: Any) -> type[AbstractConnection]:
    """Return a kind of connection that is closed once its server takes no writes any more.

    The host's name may lead to another server by then. redis-py's connections by way of sentinels
    do the same.
    """

    class LeavingReplicas(kind):  # type: ignore[misc]  # the kind is known at run time only
        async def read_response(self, *args: Any, **named: Any) -> Any:
            try:
                return await super().read_response(*args, **named)
            except ResponseError as error:
                # Redis before 7.0 says it differently of a script.
                if not isinstance(error, ReadOnlyError) and "-READONLY " not in str(error):
                    raise
                await self.disconnect()
                raise RedisConnectionError("The server has become a replica.") from error

    return LeavingReplicas


def _sentinel(parts: SplitResult, options: Mapping[str, Any], *, secure: bool) -> RedisTopology:
    service, _, database = parts.path.strip("/").partition("/")
    link = {**options, "db": int(database or 0), "retry": _no_retry(), "ssl": secure}
    own: dict[str, Any] = {**options, "ssl": secure}
    for name, text in options_of(parts).items():
        if name.startswith("sentinel_"):
            own[name.removeprefix("sentinel_")] = text
        else:
            link[name] = text
    sentinel: Any = Sentinel(hosts_of(parts, _PORTS["sentinel"]), sentinel_kwargs=own)  # type: ignore[no-untyped-call]
    client: Redis = sentinel.master_for(service, **link, **credentials_of(parts))
    pools = [each.connection_pool for each in (client, *sentinel.sentinels)]
    for pool in pools:
        pool.connection_class = lasting(cancellable(pool.connection_class))
    return RedisTopology(client, _opener(client.connection_pool), lambda: pools)


def _opener(pool: Any) -> Open:
    async def open_one(_: str) -> AbstractConnection:
        connection: AbstractConnection = pool.make_connection()
        return connection

    return open_one


def _cluster(parts: SplitResult, options: Mapping[str, Any], *, secure: bool) -> RedisTopology:
    nodes = [ClusterNode(host, port) for host, port in hosts_of(parts, _PORTS["cluster"])]
    link = {**options, **options_of(parts), **credentials_of(parts), "ssl": secure}
    client = RedisCluster(startup_nodes=nodes, **link)
    kind: Any = cancellable(client.connection_kwargs["connection_class"])
    client.connection_kwargs["connection_class"] = kind
    for node in client.nodes_manager.startup_nodes.values():
        node.connection_class = kind

    async def open_one(key: str) -> AbstractConnection:
        # A connection is reopened after a loss, perhaps because the slot has moved.
        if client.nodes_manager.slots_cache:
            await client.nodes_manager.initialize()
        else:
            await client.initialize()
        node: Any = client.get_node_from_key(key)
        connection: AbstractConnection = node.connection_class(
            **{**node.connection_kwargs, "retry": _no_retry()}
        )
        return connection

    def owners() -> list[Any]:
        manager = client.nodes_manager
        return [*manager.startup_nodes.values(), *manager.nodes_cache.values()]

    return RedisTopology(client, open_one, owners)


def _no_retry() -> Retry:
    return Retry(NoBackoff(), 0)
