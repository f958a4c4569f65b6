"""What lies in a cache: where, with what it counts for, and who keeps it."""

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import msgspec

_HEADER = struct.Struct(">QQd")


class Slot(msgspec.Struct, frozen=True):
    """Where an entry lives: its key, and the tag whose writes drop it. All are digests.

    `owner` stands for the caller: once the upstream refuses it, none of its entries is served past
    its time.
    """

    key: str
    tag: str
    owner: str = ""


class Lookup(msgspec.Struct, frozen=True):
    """What a slot held: `value`, good until `expires` (seconds since the epoch), or None.

    `position` goes back to `put` with the value that was fetched instead. None means that nothing
    must be put.
    """

    value: bytes | None
    position: int | None
    expires: float = 0.0


class Entry(NamedTuple):
    """An entry as a process keeps it: a position, an end (seconds since the epoch), a value."""

    position: int
    expires: float
    value: bytes

    def packed(self) -> bytes:
        """Return the entry as one value."""
        return _HEADER.pack(*divmod(self.position, 1 << 64), self.expires) + self.value

    @classmethod
    def of(cls, packed: bytes) -> "Entry":
        """Return the entry that was packed; raises struct.error for what is too short."""
        life, number, expires = _HEADER.unpack_from(packed)
        return cls(life << 64 | number, expires, packed[_HEADER.size :])


class LocalEntries(Protocol):
    """Entries in this process, by full key; nothing of it waits."""

    def value(self, key: str) -> bytes | None:
        """Return a value; None when there is none."""

    def keep(self, key: str, value: bytes, ttl: float | None) -> None:
        """Set a value for `ttl` seconds."""


class SharedEntries(Protocol):
    """Entries that replicas share. Their positions are numbers in the shared order.

    Every method may raise.
    """

    async def get(self, keys: Sequence[str]) -> list[Entry | None]:
        """Return the entry of each key, None where there is none."""

    async def put(self, entries: Iterable[tuple[str, Entry]], ttl: float) -> None:
        """Set keys to entries for `ttl` seconds."""

    async def aclose(self) -> None:
        """Close all connections."""
