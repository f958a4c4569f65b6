"""Invalidations in a Redis stream that all replicas follow, each on its own connection.

The entries of the stream have consecutive numbers, so that a gap is noticed, and the id of the
stream's life, so that a stream that was lost and started anew is noticed. Followers poll with a
short blocking wait, so that silence is noticed too.
"""

import asyncio
import contextlib
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from redis.asyncio.connection import AbstractConnection

from group_gateway.cache.entries import StoreRefusal
from group_gateway.cache.invalidation_history import InvalidationHistory
from group_gateway.cache.pauses import Pauses
from group_gateway.cache.redis.redis_cache import RedisCache
from group_gateway.cache.redis.refusals import REFUSALS, CommandRefused, refused
from group_gateway.cache.redis.server_clock import ServerClock
from group_gateway.cache.redis.server_info import is_replica_in, run_id_in, time_in
from group_gateway.cache.redis.stream_entry import (
    APPEND,
    StreamEntry,
    StreamLost,
    latest_life,
    new_life,
)
from group_gateway.concurrency import cancel_all

_RECALLED = 1_000
"""Entries that a new follower reads."""
_BATCH = 500
_LONGEST_WAIT = 0.25
"""Seconds that one request blocks for news. The connection's own timeout is longer."""
_TIME_SECONDS = 10.0
"""Seconds after which the server is asked for its time again."""


class InvalidationStream:
    """An InvalidationLog in Redis.

    `name` separates it from those of other gateways. It is current for `silence` seconds after a
    response. An invalidation must come back within `timeout` seconds on the connection that follows
    the stream, which proves that others can receive it. A lost stream is tried again every `pause`
    seconds, and at growing pauses while Redis refuses to be followed.
    """

    def __init__(  # noqa: PLR0913 - where it is, and times
        self,
        cache: RedisCache,
        history: InvalidationHistory,
        *,
        name: str,
        silence: float,
        timeout: float,
        pause: float = 0.2,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.history = history
        self.silence = silence
        self.life = ""
        """Identifies the stream's life, and the server process that keeps it."""
        self.server_clock = ServerClock(clock, wall_clock)
        self._cache = cache
        self._key = f"group-gateway:{{{name}}}"
        self._timeout = timeout
        self._pauses = Pauses(pause)
        self._clock = clock
        self._wait_ms = max(1, int(min(silence / 4, _LONGEST_WAIT) * 1000))
        self._number = 0
        self._writer = ""
        self._current_until = float("-inf")
        self._is_down = False
        self._is_closed = False
        self._has_followed = False
        self._echoes: dict[str, asyncio.Future[None]] = {}
        self._waiting: set[asyncio.Future[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._lost: Callable[[Exception], None] = lambda _: None
        self._restarted: Callable[[], None] = lambda: None

    @property
    def is_current(self) -> bool:
        """See InvalidationLog."""
        return self._clock() < self._current_until

    def watch(self, *, lost: Callable[[Exception], None], restarted: Callable[[], None]) -> None:
        """See InvalidationLog."""
        self._lost, self._restarted = lost, restarted

    async def caught_up(self) -> bool:
        """See InvalidationLog."""
        self._start()
        if self.is_current:
            return True
        if self._is_down:
            return False
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            async with asyncio.timeout(self._timeout):
                await waiting
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(waiting)
        return self.is_current

    async def append(self, tags: Sequence[str]) -> None:
        """See InvalidationLog."""
        self._start()
        writer = os.urandom(8).hex()
        echo = self._echoes[writer] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._timeout):
                arguments: list[str | int] = [*new_life(), writer, "\n".join(tags)]
                try:
                    await self._cache.evaluate(APPEND, [self._key], arguments)
                except CommandRefused:
                    # A server without free memory adds nothing, but deletes. Whoever follows the
                    # stream then uses no entry until something can be added again.
                    with contextlib.suppress(CommandRefused):
                        await self._cache.command("DEL", self._key)
                    raise
                await echo
        finally:
            del self._echoes[writer]

    async def aclose(self) -> None:
        """See InvalidationLog."""
        self._is_closed = True
        if self._task is not None:
            await cancel_all([self._task])

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._follow_always())

    async def _follow_always(self) -> None:
        while not self._is_closed:
            self._has_followed = False
            try:
                async with self._connected() as connection:
                    await self._join(connection)
                    self._is_down = False
                    while True:
                        await self._step(connection)
                        if self.server_clock.is_older_than(_TIME_SECONDS):
                            await self._process(connection)
            except Exception as error:  # noqa: BLE001 - whatever Redis raises, it is tried again
                cause = error
            self._current_until = float("-inf")
            if not self._has_followed:  # waiters may wait for the next try, which is now
                self._is_down = True
                self._wake()
                self._lost(cause)
                is_lasting = isinstance(cause, StoreRefusal) and cause.is_lasting
                pause = self._pauses.next(is_growing=is_lasting)
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[AbstractConnection]:
        """Open a connection to one server process, and close it at the end of the block."""
        try:
            connection = await self._cache.topology.connection(self._key)
        except REFUSALS as error:
            raise refused("a connection", error) from None
        try:
            yield connection
        finally:
            with contextlib.suppress(Exception):
                await connection.disconnect(nowait=True)

    async def _join(self, connection: AbstractConnection) -> None:
        """Continue at this process's position in the stream, or start anew if that is lost."""
        await self._check_primary(connection)
        process = await self._process(connection)
        last = await self._last(connection)
        if last is None:
            arguments = [*new_life(), "", ""]
            await self._executed(connection, "EVAL", APPEND, 1, self._key, *arguments)
            last = await self._last(connection)
            if last is None:
                raise StreamLost("the stream does not stay")
        life = f"{process} {last.life}"
        if life == self.life and process and await self._has_seen(connection, last):
            return
        await self._begin(connection, process)

    async def _has_seen(self, connection: AbstractConnection, last: StreamEntry) -> bool:
        """Return whether the stream still holds the entry that this process read last."""
        if last.number == self._number:
            return last.writer == self._writer
        own = await self._executed(connection, "XRANGE", self._key, self._number, self._number)
        return bool(own) and StreamEntry.of(own[0]).writer == self._writer

    async def _begin(self, connection: AbstractConnection, process: str) -> None:
        """Invalidate everything that was read before; load what the stream still holds."""
        raw = await self._executed(connection, "XREVRANGE", self._key, "+", "-", "COUNT", _RECALLED)
        entries = latest_life(raw)
        if not entries:
            raise StreamLost("the stream does not stay")
        had_life = bool(self.life)
        self.life = f"{process} {entries[-1].life}"
        self._number, self._writer = entries[-1].number, entries[-1].writer
        known = [(each.number, each.named) for each in entries]
        self.history.restart(entries[0].number - 1, known)
        if had_life:
            self._restarted()

    async def _step(self, connection: AbstractConnection) -> None:
        """Wait a moment for new entries, and record them."""
        sent_at = self._clock()
        options = ("COUNT", _BATCH, "BLOCK", self._wait_ms, "STREAMS", self._key)
        answer = await self._executed(connection, "XREAD", *options, f"{self._number}-0")
        self._has_followed = True
        if not answer:
            # The stream may be gone, or replaced by another one whose entries never arrive here.
            sent_at = self._clock()
            await self._check_primary(connection)
            last = await self._last(connection)
            if last is None or last.number < self._number:
                raise StreamLost("the stream began anew")
            if last.number == self._number:
                if last.writer != self._writer:
                    raise StreamLost("the stream began anew")
                self._is_current_since(sent_at)
            return
        entries = [StreamEntry.of(each) for each in answer[0][1]]
        for entry in entries:
            self._take(entry)
        if len(entries) < _BATCH:
            self._is_current_since(sent_at)
        for entry in entries:
            echo = self._echoes.get(entry.writer)
            if echo is not None and not echo.done():
                echo.set_result(None)

    def _take(self, entry: StreamEntry) -> None:
        if entry.number != self._number + 1 or entry.life != self.life.partition(" ")[2]:
            self._number = 0  # no entry has it, so that whoever joins again starts anew
            raise StreamLost("the stream has a gap")
        self._number, self._writer = entry.number, entry.writer
        self.history.record(entry.named, entry.number)

    def _is_current_since(self, moment: float) -> None:
        self._current_until = moment + self.silence
        if self.is_current:  # else the process was stopped since then: the next answer counts
            self._wake()

    def _wake(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def _check_primary(self, connection: AbstractConnection) -> None:
        """Raise StreamLost for a replica, which may receive nothing for a long time."""
        if is_replica_in(await self._info(connection, "replication")):
            raise StreamLost("the server is a replica")

    async def _process(self, connection: AbstractConnection) -> str:
        """Return the id of the server's process, "" where that is forbidden to read; note its time.

        Redis before 6.2 tells the time by another command.
        """
        sent_at = self._clock()
        info = await self._info(connection, "server")
        server_time = time_in(info)
        if server_time is None:
            with contextlib.suppress(CommandRefused):
                sent_at = self._clock()
                seconds, microseconds = await self._executed(connection, "TIME")
                server_time = int(seconds) + int(microseconds) / 1e6
        self.server_clock.told(server_time, sent_at)
        return run_id_in(info)

    async def _info(self, connection: AbstractConnection, section: str) -> bytes:
        """Return what the server says of itself; nothing where that is forbidden to read."""
        try:
            return bytes(await self._executed(connection, "INFO", section))
        except CommandRefused:
            return b""

    async def _last(self, connection: AbstractConnection) -> StreamEntry | None:
        raw = await self._executed(connection, "XREVRANGE", self._key, "+", "-", "COUNT", 1)
        entries = latest_life(raw)
        return entries[0] if entries else None  # an entry of another program ends the life

    async def _executed(self, connection: AbstractConnection, *command: Any) -> Any:
        try:
            await connection.send_command(*command)
            return await connection.read_response()
        except REFUSALS as error:
            raise refused(str(command[0]), error) from None
