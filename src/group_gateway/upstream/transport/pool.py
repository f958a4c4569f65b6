"""Kept-alive connections to one origin, bounded in number.

A slot is released in a `finally` whatever happens to the exchange, and a connection whose exchange
did not end well is closed: a cancelled request can't lose a slot.
"""

import asyncio
import math
import ssl
from collections import deque
from dataclasses import dataclass

import httpx

from group_gateway.memory_budget import MemoryBudget
from group_gateway.upstream.transport.fair_queue import QueueFull, Slots
from group_gateway.upstream.transport.http1_connection import (
    Headers,
    Http1Connection,
    StaleConnection,
)

KEEP_ALIVE = 4.0
"""Seconds that an idle connection is trusted. Servers close theirs after five and more, and a write
on a connection that is just being closed looks like a lost one."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that each phase of an exchange may take."""

    connect: float
    read: float
    pool: float


@dataclass(frozen=True, slots=True)
class Origin:
    """The other end of connections; `tls` is None for plain HTTP."""

    host: str
    port: int
    tls: ssl.SSLContext | None


class ConnectionPool:
    """At most `max_connections` connections to `origin`; bodies of at most `max_body` bytes.

    All bodies together fit into `budget`, which other pools may share. At most `max_waiting`
    exchanges wait for a connection, served round robin by `caller_key`.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        max_connections: int,
        max_waiting: int,
        max_body: int,
        budget: MemoryBudget,
    ) -> None:
        self._origin = origin
        self._max_body = max_body
        self._budget = budget
        self._slots = Slots(max_connections, max_waiting)
        self._idle: deque[Http1Connection] = deque()
        self._busy: set[Http1Connection] = set()
        self._closed = False

    async def exchange(  # noqa: PLR0913 - one for each part of an exchange
        self,
        request: bytes,
        timeouts: Timeouts,
        *,
        repeatable: bool,
        bodiless: bool = False,
        until: float = math.inf,
        caller_key: str = "",
    ) -> tuple[int, Headers, bytes]:
        """Send the bytes of one request and return status, headers and body.

        A `repeatable` request is sent once more, on a new connection, when the kept-alive one
        turned out to be closed. Everything ends at `until` (event loop time). Raises
        httpx.PoolTimeout (at once when too many wait), httpx.ConnectTimeout, httpx.ConnectError and
        what `Http1Connection.exchange` raises.
        """
        if not self._slots.take():
            await self._wait_for_slot(caller_key, timeouts.pool, until)
        try:
            connection = self._take_idle()
            if connection is not None:
                try:
                    return await self._run(connection, request, timeouts.read, until, bodiless)
                except StaleConnection:
                    if not repeatable:
                        raise
            connection = await self._connect(timeouts.connect, until)
            return await self._run(connection, request, timeouts.read, until, bodiless)
        finally:
            self._slots.release()

    async def _wait_for_slot(self, caller_key: str, seconds: float, until: float) -> None:
        now = asyncio.get_running_loop().time()
        try:
            await self._slots.acquire(caller_key, min(seconds, until - now))
        except QueueFull:
            raise httpx.PoolTimeout("too many wait for a connection") from None
        except TimeoutError:
            if now + seconds > until:
                raise httpx.ReadTimeout("no time left for a connection") from None
            raise httpx.PoolTimeout("no free connection in time") from None

    def _take_idle(self) -> Http1Connection | None:
        """Return the connection that was used last; close those that were idle for too long."""
        oldest = asyncio.get_running_loop().time() - KEEP_ALIVE
        while self._idle and self._idle[0].idle_since <= oldest:
            self._idle.popleft().abort()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _connect(self, seconds: float, until: float) -> Http1Connection:
        origin = self._origin
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(min(loop.time() + seconds, until)):
                _, connection = await loop.create_connection(
                    lambda: Http1Connection(self._max_body, self._budget),
                    origin.host,
                    origin.port,
                    ssl=origin.tls,
                    server_hostname=origin.host if origin.tls else None,
                )
        except TimeoutError:
            raise httpx.ConnectTimeout("no connection in time") from None
        except (OSError, UnicodeError) as error:  # UnicodeError: a host that DNS can't have
            raise httpx.ConnectError("the connection was not accepted") from error
        return connection

    async def _run(
        self,
        connection: Http1Connection,
        request: bytes,
        read_timeout: float,
        until: float,
        bodiless: bool,  # noqa: FBT001 - passed on, five times in a row
    ) -> tuple[int, Headers, bytes]:
        self._busy.add(connection)
        keep = False
        try:
            answer = await connection.exchange(request, read_timeout, until, bodiless=bodiless)
            keep = connection.reusable and not self._closed
            return answer
        finally:
            self._busy.discard(connection)
            if keep:
                self._idle.append(connection)
            else:
                connection.abort()

    def close(self) -> None:
        """Close all connections; exchanges in flight fail with httpx.ReadError."""
        self._closed = True
        for connection in (*self._idle, *self._busy):
            connection.abort()
        self._idle.clear()
