"""A mapping that is bounded in bytes and in entries and drops the least recently used ones."""

import sys
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BoundedLRU(Generic[Key, Value]):
    """At most `max_entries` values, whose sizes add up to at most `max_bytes`.

    The caller states each value's size in bytes, with bookkeeping.
    """

    def __init__(self, *, max_bytes: int = sys.maxsize, max_entries: int = sys.maxsize) -> None:
        self._entries: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Key) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[Key]:
        return iter(self._entries)

    def values(self) -> Iterator[Value]:
        """Yield the values, the least recently used first, without marking them as used."""
        return (value for value, _ in self._entries.values())

    def get(self, key: Key) -> Value | None:
        """Return a value and mark it as used; None when there is none."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def peek(self, key: Key) -> Value | None:
        """Return a value without marking it as used; None when there is none."""
        entry = self._entries.get(key)
        return None if entry is None else entry[0]

    def put(self, key: Key, value: Value, size: int = 0) -> None:
        """Keep a value of `size` bytes. A value larger than the whole bound is not kept."""
        entries = self._entries
        before = entries.pop(key, None)
        if before is not None:
            self.bytes -= before[1]
        if size > self._max_bytes:
            return
        entries[key] = (value, size)
        self.bytes += size
        while self.bytes > self._max_bytes or len(entries) > self._max_entries:
            self.bytes -= entries.popitem(last=False)[1][1]

    def pop(self, key: Key) -> Value | None:
        """Drop a value and return it; None when there is none."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return None
        self.bytes -= entry[1]
        return entry[0]

    def clear(self) -> None:
        """Drop all values."""
        self._entries.clear()
        self.bytes = 0
