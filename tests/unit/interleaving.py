"""A shared Redis whose every step waits for the test: what two gateways do, in any order.

A call has two steps: it takes effect, and it is answered. A third kind of step makes it fail: with
its effect lost, its answer lost, or its effect still to come. The gateway's own code runs on top of
it, down to the commands that it sends.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from group_gateway.cache.invalidation_history import InvalidationHistory
from group_gateway.cache.memory import MemoryCache
from group_gateway.cache.redis.invalidation_stream import InvalidationStream
from group_gateway.cache.redis.sealed_entries import SealedEntries
from group_gateway.cache.sealed_values import ValueSigner
from group_gateway.cache.store import CacheStore
from group_gateway.digests import DigestKeys

SILENCE = 0.5
"""Seconds without word from Redis after which a gateway believes nothing."""
PATIENCE = 0.2
"""Seconds that a gateway waits for Redis."""
_FOR_EVER = 1e9


class Fate(Enum):
    """What becomes of the next step of something under way."""

    GOES_ON = "goes on"
    LOST = "fails without effect"
    UNANSWERED = "takes effect, but fails"
    LATE = "fails, and takes effect later"


@dataclass
class Time:
    """A clock that stands still between the test's steps."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class StandingLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers go by the test's clock."""

    def __init__(self, clock: Time) -> None:
        self.time = clock  # type: ignore[method-assign]
        super().__init__()


@dataclass
class Gates:
    """Everything that waits for its next step, in the order of arrival."""

    waiting: list[asyncio.Future[Fate]] = field(default_factory=list)
    late: list[Callable[[], Any]] = field(default_factory=list)
    """Effects that are still to come."""

    async def passed(self) -> Fate:
        """Wait until the test says how this step ends."""
        gate: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()
        self.waiting.append(gate)
        try:
            return await gate
        finally:
            if gate in self.waiting:
                self.waiting.remove(gate)

    def open(self, number: int, fate: Fate) -> None:
        """Continue one of the waiting steps."""
        self.waiting.pop(number % len(self.waiting)).set_result(fate)

    def open_all(self) -> None:
        """Continue all waiting steps, with success."""
        while self.waiting:
            self.open(0, Fate.GOES_ON)

    def happen(self, number: int) -> None:
        """Apply a late effect."""
        self.late.pop(number % len(self.late))()

    async def step(self, effect: Callable[[], Any]) -> Any:
        """Apply an effect and return its response, when the test says so."""
        fate = await self.passed()
        if fate is Fate.LATE:
            self.late.append(effect)
        if fate in {Fate.LATE, Fate.LOST}:
            raise ConnectionError("lost")
        result = effect()
        if fate is Fate.UNANSWERED or await self.passed() is not Fate.GOES_ON:
            raise TimeoutError("unanswered")
        return result


@dataclass
class FakeRedis:
    """What gateways share: values that expire, and one stream. `run` counts its processes."""

    time: Time
    entries: dict[str, tuple[float, bytes]] = field(default_factory=dict)
    stream: list[tuple[int, list[str]]] = field(default_factory=list)
    run: int = 1
    on_append: Callable[[list[str], int], None] = lambda *_: None

    def read(self, key: str) -> bytes | None:
        """Return a value that has not expired."""
        end, value = self.entries.get(key, (0.0, None))
        return value if end > self.time.now else None

    def write(self, pairs: Iterable[tuple[str, bytes]], ttl: float) -> None:
        """Set values."""
        self.entries.update({key: (self.time.now + ttl, value) for key, value in pairs})

    def append(self, life: str, number: int, writer: str, tags: str) -> None:
        """Append to the stream as the gateway's Lua script does."""
        if self.stream:
            last, fields = self.stream[-1]
            life, number = fields[1], last + 1
        self.stream.append((number, ["l", life, "w", writer, "t", tags]))
        self.on_append(tags.split("\n"), number)

    def restart(self, kept: int) -> None:
        """Begin a new process that has all values, and of the stream what is before `kept`."""
        self.run += 1
        self.stream = self.stream[:kept]

    def answer(self, command: Sequence[Any]) -> Any:
        """Answer a command on a gateway's own connection."""
        match command:
            case ["INFO", _]:
                return b"run_id:%d\r\nserver_time_usec:%d" % (self.run, self.time.now * 1e6)
            case ["EVAL", _, 1, _, life, number, writer, tags]:
                return self.append(life, number, writer, tags)
            case ["XREVRANGE", _, "+", "-", "COUNT", count]:
                return [_raw(entry) for entry in self.stream[: -count - 1 : -1]]
            case ["XRANGE", _, first, last]:
                return [_raw(entry) for entry in self.stream if first <= entry[0] <= last]
            case ["XREAD", "COUNT", count, *_, after]:
                number = int(str(after).partition("-")[0])
                new = [_raw(entry) for entry in self.stream if entry[0] > number][:count]
                return [[b"key", new]] if new else None
        raise AssertionError(command)


def _raw(entry: tuple[int, list[str]]) -> list[Any]:
    number, fields = entry
    return [b"%d-0" % number, [each.encode() for each in fields]]


@dataclass
class FakeConnection:
    """A gateway's own connection to one process of the Redis."""

    redis: FakeRedis
    gates: Gates
    run: int
    command: Sequence[Any] = ()

    async def send_command(self, *command: Any) -> None:
        """Send a command."""
        self.command = list(command)

    async def read_response(self) -> Any:
        """Wait for the answer."""
        command = self.command

        def effect() -> Any:
            if self.redis.run != self.run:
                raise ConnectionError("that process is gone")
            return self.redis.answer(command)

        return await self.gates.step(effect)

    async def disconnect(self, *, nowait: bool = False) -> None:
        """Close the connection."""


@dataclass
class FakeCache:
    """One gateway's client of the Redis, as far as a gateway uses a RedisCache."""

    redis: FakeRedis
    gates: Gates
    feed: Gates
    timeout: None = None

    @property
    def topology(self) -> "FakeCache":
        """What opens connections."""
        return self

    async def connection(self, key: str) -> FakeConnection:  # noqa: ARG002 - there is one server
        """Open a connection."""
        return FakeConnection(self.redis, self.feed, self.redis.run)

    async def multi_get(self, keys: Iterable[str], **_: object) -> list[bytes | None]:
        """Return values."""
        wanted = list(keys)
        found: list[bytes | None] = await self.gates.step(
            lambda: [self.redis.read(key) for key in wanted]
        )
        return found

    async def multi_set(self, pairs: Iterable[tuple[str, bytes]], ttl: float, **_: object) -> None:
        """Set values."""
        given = list(pairs)
        await self.gates.step(lambda: self.redis.write(given, ttl))

    async def evaluate(self, script: str, keys: list[str], arguments: list[Any]) -> None:  # noqa: ARG002
        """Append to the stream, for which alone gateways have a script here."""
        await self.gates.step(lambda: self.redis.append(*arguments))

    async def close(self) -> None:
        """Close nothing."""


def shared_store(
    redis: FakeRedis, gates: Gates, feed: Gates, *, max_ttl: float, **options: Any
) -> CacheStore:
    """Return the store of one gateway. What it follows the stream by passes through `feed`."""
    time = redis.time
    cache: Any = FakeCache(redis, gates, feed)
    history = InvalidationHistory(lifetime=_FOR_EVER, clock=time)
    stream = InvalidationStream(
        cache, history, name="test", silence=SILENCE, timeout=PATIENCE, pause=0, clock=time
    )
    signer = ValueSigner(DigestKeys(b"a secret of tests"))
    return CacheStore(
        MemoryCache(max_entries=1000, max_bytes=1_000_000),
        stream,
        SealedEntries(cache, stream, signer),
        max_ttl=max_ttl,
        pause=0,
        clock=time,
        **options,
    )
