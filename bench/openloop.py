"""Requests at a fixed rate, whatever the answers do: `python -m bench.openloop --help`.

A request's time counts from when it was due, so that a server which falls behind shows it. For
each second one line of JSON: what was answered, shed (503) and failed, and how long answers took.
"""

import argparse
import asyncio
import sys
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import httptools
import msgspec
import uvloop

_MOST_CONNECTIONS = 600
_PATIENCE = 20.0
_OK, _SHED = 200, 503


class Second(msgspec.Struct, frozen=True):
    """What became of the requests that were due in one second; times in milliseconds.

    `failures` counts those that failed by what was seen: a status, or an error's name.
    """

    answered: int
    shed: int
    failed: int
    p50: float
    p99: float
    failures: dict[str, int] = {}


@dataclass(slots=True)
class _Tally:
    times: list[float] = field(default_factory=list)
    shed: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def summary(self) -> Second:
        times = sorted(self.times) or [0.0]
        p50, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99))
        failed = self.failures.total()
        return Second(len(self.times), self.shed, failed, p50, p99, dict(self.failures))


class _Connection(asyncio.Protocol):
    """A connection that carries one request at a time."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[int] | None = None
        self._transport: asyncio.Transport | None = None

    async def ask(self, request: bytes) -> int:
        """Send a request and return the status of the answer; 0 when the connection broke."""
        if self._transport is None or self._transport.is_closing():
            return 0
        self._waiter = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)
        return await self._waiter

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._end(0)

    def on_message_complete(self) -> None:
        self._end(self._parser.get_status_code())

    def _end(self, status: int) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(status)


class _Load:
    def __init__(self, url: str, bodies: list[bytes], callers: int) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "", parts.port or 80, parts.path
        heads = (self._head(f"bench-{number}") for number in range(callers))
        self._heads, self._bodies = cycle(list(heads)), cycle(bodies)
        self._idle: deque[_Connection] = deque()
        self._slots = asyncio.Semaphore(_MOST_CONNECTIONS)
        self.seconds: dict[int, _Tally] = defaultdict(_Tally)

    def _head(self, token: str) -> str:
        return (
            f"POST {self._path} HTTP/1.1\r\nhost: {self._host}\r\nauthorization: Bearer {token}\r\n"
            "content-type: application/json\r\naccept: application/json\r\ncontent-length: "
        )

    async def run(self, phases: list[tuple[float, int]]) -> None:
        """Send at each rate (requests per second) for its number of seconds."""
        loop = asyncio.get_running_loop()
        due = begin = loop.time() + 0.1
        async with asyncio.TaskGroup() as tasks:
            for rate, seconds in phases:
                end = due + seconds
                while due < end:
                    if (wait := due - loop.time()) > 0:
                        await asyncio.sleep(wait)
                    tasks.create_task(self._one(due, self.seconds[int(due - begin)]))
                    due += 1 / rate

    async def _one(self, due: float, tally: _Tally) -> None:
        body = next(self._bodies)
        request = f"{next(self._heads)}{len(body)}\r\n\r\n".encode() + body
        try:
            async with asyncio.timeout(_PATIENCE), self._slots:
                status = await self._exchange(request)
        except (OSError, TimeoutError) as error:
            tally.failures[type(error).__name__] += 1
            return
        if status == _OK:
            tally.times.append(asyncio.get_running_loop().time() - due)
        elif status == _SHED:
            tally.shed += 1
        else:
            tally.failures[str(status) if status else "connection closed"] += 1

    async def _exchange(self, request: bytes) -> int:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                break
        else:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(_Connection, self._host, self._port)
        status = await connection.ask(request)
        if connection.is_open:
            self._idle.append(connection)
        return status


async def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.openloop", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("bodies", type=Path, help="file of bodies, one a line")
    parser.add_argument("phases", nargs="+", help="rate:seconds, such as 300:10 900:20")
    parser.add_argument("--callers", type=int, default=1, help="bearer tokens that take turns")
    chosen = parser.parse_args()
    load = _Load(chosen.url, chosen.bodies.read_bytes().splitlines(), chosen.callers)
    phases = [phase.split(":") for phase in chosen.phases]
    await load.run([(float(rate), int(seconds)) for rate, seconds in phases])
    for _, tally in sorted(load.seconds.items()):
        sys.stdout.write(msgspec.json.encode(tally.summary()).decode() + "\n")


if __name__ == "__main__":
    uvloop.run(_main())
