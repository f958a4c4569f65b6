"""A complete aiocache cache in this process's memory, bounded, for immutable values.

aiocache 0.12.3's own memory back end has no bound, keeps a timer for each key, returns mutable
values that all callers share, and confuses the namespace `ns` with a prefix of `n`.
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from aiocache.base import BaseCache
from aiocache.serializers import NullSerializer

from group_gateway.bounded_lru import BoundedLRU

_ENTRY_OVERHEAD = 380
"""Bytes of an entry beside its key and value: dict slot, tuples, objects' headers. Measured with
tracemalloc: 320 to 350, most when the dict has just grown."""
_IMMUTABLE = (bytes, str, int, float, complex, bool, type(None))
_NEVER = float("inf")


class MemoryCache(BaseCache):  # type: ignore[misc]  # aiocache ships no types
    """An aiocache cache with at most `max_entries` entries and `max_bytes` bytes.

    The bound includes keys and bookkeeping. The least recently used entries are dropped first; a
    value that alone exceeds the bound is not kept. Values must be immutable: bytes, text, numbers
    and tuples of these; others raise TypeError.
    """

    NAME = "memory"

    def __init__(
        self,
        *,
        max_entries: int,
        max_bytes: int,
        clock: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        # Without a timeout aiocache wraps no call in a task: 2 µs instead of 7.
        options.setdefault("timeout", None)
        options.setdefault("serializer", NullSerializer())
        super().__init__(**options)
        self._entries: BoundedLRU[str, tuple[float, Any]] = BoundedLRU(
            max_bytes=max_bytes, max_entries=max_entries
        )
        self._clock = clock

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """Return the bytes that all entries take."""
        return self._entries.bytes

    def peek(self, keys: Sequence[str]) -> list[Any]:
        """Return the value of each full key, None where there is none, without waiting."""
        return [self.value(key) for key in keys]

    def value(self, key: str) -> Any:
        """Return the value of a full key, None where there is none, without waiting."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[0] <= self._clock():
            self._entries.pop(key)
            return None
        return entry[1]

    def keep(self, key: str, value: Any, ttl: float | None) -> None:
        """Store a full key's value for `ttl` seconds, or without expiry, without waiting."""
        end = self._clock() + ttl if ttl else _NEVER
        self._entries.put(key, (end, value), len(key) + size_of(value) + _ENTRY_OVERHEAD)

    def _build_key(self, key: str, namespace: str | None = None) -> str:
        space = self.namespace if namespace is None else namespace
        name = getattr(key, "value", key)
        return f"{space}:{name}" if space else name

    async def _get(self, key: str, **_: Any) -> Any:
        return self.value(key)

    async def _gets(self, key: str, **_: Any) -> Any:
        return self.value(key)

    async def _multi_get(self, keys: Sequence[str], **_: Any) -> list[Any]:
        return self.peek(keys)

    async def _set(
        self,
        key: str,
        value: Any,
        ttl: float | None = None,
        _cas_token: Any = None,
        _conn: Any = None,
    ) -> bool:
        if _cas_token is not None and _cas_token != self.value(key):
            return False
        self.keep(key, value, ttl)
        return True

    async def _multi_set(
        self, pairs: Iterable[tuple[str, Any]], ttl: float | None = None, _conn: Any = None
    ) -> bool:
        for key, value in pairs:
            self.keep(key, value, ttl)
        return True

    async def _add(self, key: str, value: Any, ttl: float | None = None, _conn: Any = None) -> bool:
        if self._is_there(key):
            raise ValueError(f"Key {key} already exists, use .set to update the value")
        self.keep(key, value, ttl)
        return True

    async def _exists(self, key: str, _conn: Any = None) -> bool:
        return self._is_there(key)

    async def _increment(self, key: str, delta: int, _conn: Any = None) -> int:
        before = self._entries.peek(key) if self._is_there(key) else (_NEVER, 0)
        end, value = before or (_NEVER, 0)
        try:
            number = int(value) + delta
        except ValueError:
            raise TypeError("Value is not an integer") from None
        self.keep(key, number, None if end == _NEVER else end - self._clock())
        return number

    async def _expire(self, key: str, ttl: float, _conn: Any = None) -> bool:
        if not self._is_there(key):
            return False
        self.keep(key, self.value(key), ttl)
        return True

    async def _delete(self, key: str, _conn: Any = None) -> int:
        return int(self._is_there(key) and self._entries.pop(key) is not None)

    async def _clear(self, namespace: str | None = None, _conn: Any = None) -> bool:
        space = self.namespace if namespace is None else namespace
        for key in [key for key in self._entries if not space or key.startswith(f"{space}:")]:
            self._entries.pop(key)
        return True

    async def _raw(self, command: str, *args: Any, **_: Any) -> Any:
        """Call a method of a dict of all entries, and keep what it changes."""
        now = self._clock()
        found = {key: self._entries.peek(key) or (0.0, None) for key in self._entries}
        values = {key: value for key, (end, value) in found.items() if end > now}
        before = dict(values)
        result = getattr(values, command)(*args)
        for key in before.keys() - values.keys():
            self._entries.pop(key)
        for key, value in values.items():
            if key not in before or before[key] is not value:
                self.keep(key, value, None)
        return list(result) if command in {"keys", "values", "items"} else result

    async def _redlock_release(self, key: str, value: Any) -> int:
        return await self._delete(key) if self.value(key) == value else 0

    def _is_there(self, key: str) -> bool:
        entry = self._entries.peek(key)
        return entry is not None and entry[0] > self._clock()


def size_of(value: Any) -> int:
    """Return the bytes of an immutable value; raise TypeError for a mutable one."""
    if type(value) is bytes:
        return len(value)
    if isinstance(value, tuple):
        return sys.getsizeof(value) + sum(map(size_of, value))
    if not isinstance(value, _IMMUTABLE):
        raise TypeError(f"A {type(value).__name__} may change; keep bytes, text or a tuple.")
    return sys.getsizeof(value)
