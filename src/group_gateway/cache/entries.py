"""Cache entries: their slots, positions and values, and the interfaces of what stores them."""

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import msgspec

_HEADER = struct.Struct(">QQd")


class Slot(msgspec.Struct, frozen=True):
    """The place of an entry: its key, and the tag whose invalidation drops it. All are digests.

    `owner` stands for the caller. Once the upstream refuses the owner, none of its entries is
    served past its expiry.
    """

    key: str
    tag: str
    owner: str = ""


class Lookup(msgspec.Struct, frozen=True):
    """What a slot held: `value`, fresh until `expires` by the store's clock, or None.

    `position` must be handed back to `put` with the value that was fetched instead. None means that
    nothing may be put.
    """

    value: bytes | None
    position: int | None
    expires: float = 0.0


class Entry(NamedTuple):
    """An entry as a process stores it: a position, a time of expiry by its clock, a value."""

    position: int
    expires: float
    value: bytes

    def packed(self) -> bytes:
        """Return the entry as one value."""
        return _HEADER.pack(*divmod(self.position, 1 << 64), self.expires) + self.value

    @classmethod
    def of(cls, packed: bytes) -> "Entry":
        """Return the entry that was packed; raise struct.error for a truncated one."""
        life, number, expires = _HEADER.unpack_from(packed)
        return cls(life << 64 | number, expires, packed[_HEADER.size :])


class StoreFailure(Exception):
    """The shared store fails. The text completes "The cache fails: …", and has no keys."""


class StoreRefusal(StoreFailure):
    """The shared store refuses something. The text says what and why.

    `is_lasting`: it will do so until somebody changes the configuration.
    """

    def __init__(self, text: str, *, is_lasting: bool) -> None:
        super().__init__(text)
        self.is_lasting = is_lasting


class LocalEntries(Protocol):
    """Entries in this process, by full key. No operation waits."""

    def value(self, key: str) -> bytes | None:
        """Return a value; None when there is none."""

    def keep(self, key: str, value: bytes, ttl: float | None) -> None:
        """Store a value for `ttl` seconds."""


class SharedEntries(Protocol):
    """Entries that replicas share.

    Positions are numbers in the shared order, times are by this process's clock. Any method may
    raise.
    """

    async def get(self, keys: Sequence[str]) -> list[Entry | None]:
        """Return the entry of each key, None where there is none."""

    async def put(self, entries: Iterable[tuple[str, Entry]], ttl: float) -> None:
        """Store entries for `ttl` seconds."""

    async def check(self) -> None:
        """Put an entry and get it; raise if either fails."""

    async def aclose(self) -> None:
        """Close all connections."""
