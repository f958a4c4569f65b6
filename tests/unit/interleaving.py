"""A shared store whose every step waits for the test: what two gateways do, in any order.

A call of a back end has two steps: it takes effect, and it is answered. A third kind of step makes
it fail: with its effect lost, its answer lost, or its effect still to come.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


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
        """Give the time."""
        return self.now


@dataclass
class Gates:
    """Everything that waits for its next step, in the order of arrival."""

    waiting: list[asyncio.Future[Fate]] = field(default_factory=list)
    late: list[Any] = field(default_factory=list)
    """Effects that are still to come."""

    async def passed(self) -> Fate:
        """Wait for the test to say how it goes on."""
        gate: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()
        self.waiting.append(gate)
        return await gate

    def open(self, number: int, fate: Fate) -> None:
        """Let one of those who wait go on."""
        self.waiting.pop(number % len(self.waiting)).set_result(fate)

    def happen(self, number: int) -> None:
        """Let an effect happen that was late."""
        self.late.pop(number % len(self.late))()


@dataclass
class SharedStore:
    """What two back ends share, with a note of each key that came or went."""

    time: Time
    entries: dict[str, tuple[float, bytes]] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    def read(self, key: str) -> bytes | None:
        """Give a value that has not expired."""
        self.expire()
        entry = self.entries.get(key)
        return None if entry is None else entry[1]

    def write(self, pairs: Iterable[tuple[str, bytes]], ttl: float) -> None:
        """Set values."""
        self.expire()
        for key, value in pairs:
            self.entries[key] = (self.time.now + ttl, value)
            self.changed.append(key)

    def expire(self) -> None:
        """Forget what has lived for its time."""
        for key in [k for k, (end, _) in self.entries.items() if end <= self.time.now]:
            self.evict(key)

    def evict(self, key: str) -> None:
        """Forget a key."""
        del self.entries[key]
        self.changed.append(key)


@dataclass
class GatedBackend:
    """One gateway's way to the shared store."""

    store: SharedStore
    gates: Gates

    async def _step(self, effect: Any) -> Any:
        fate = await self.gates.passed()
        if fate is Fate.LATE:
            self.gates.late.append(effect)
        if fate in {Fate.LATE, Fate.LOST}:
            raise ConnectionError("lost")
        result = effect()
        if fate is Fate.UNANSWERED or await self.gates.passed() is not Fate.GOES_ON:
            raise TimeoutError("unanswered")
        return result

    async def multi_get(self, keys: Iterable[str]) -> list[bytes | None]:
        """See Backend."""
        wanted = list(keys)
        found: list[bytes | None] = await self._step(lambda: [self.store.read(k) for k in wanted])
        return found

    async def multi_set(self, pairs: Iterable[tuple[str, bytes]], ttl: float, **_: float) -> None:
        """See Backend."""
        given = list(pairs)
        await self._step(lambda: self.store.write(given, ttl))

    def peek(self, keys: Sequence[str]) -> None:
        """See Backend."""

    async def close(self) -> None:
        """See Backend."""
