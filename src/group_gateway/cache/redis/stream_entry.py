"""The entries of the stream of invalidations, and the script that appends one."""

import os
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from group_gateway.cache.entries import StoreFailure

_LENGTH = 10_000
"""Entries that the stream keeps, at least."""
_KEPT_SECONDS = 86_400
"""Time to live of the stream, in seconds after its last entry."""

_MOST = 2**53
"""Numbers from here on are not exact in Lua."""
_TAG = re.compile(r"\w+")

# ARGV: an id for a life that starts now, its first number, the writer's token, the tags.
# An entry of another program, without a life, ends the stream's life. Where its id leaves no
# numbers, the stream starts anew.
APPEND = f"""
local function life_of(entry)
    for i = 1, #entry[2], 2 do
        if entry[2][i] == 'l' then return entry[2][i + 1] end
    end
end
local function add(life, number)
    local id = string.format('%.0f-0', number)
    return redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', {_LENGTH}, id,
        'l', life, 'w', ARGV[3], 't', ARGV[4])
end
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local life, number = ARGV[1], tonumber(ARGV[2])
if last then
    life = life_of(last) or life
    number = tonumber(string.match(last[1], '^(%d+)')) + 1
end
local added = number < {_MOST} and add(life, number)
if not added or (added.err and string.find(added.err, 'smaller', 1, true)) then
    redis.call('DEL', KEYS[1])
    added = add(ARGV[1], tonumber(ARGV[2]))
end
if not added.err then redis.call('EXPIRE', KEYS[1], {_KEPT_SECONDS}) end
return added
"""


class StreamLost(StoreFailure):
    """The stream can't be followed any longer."""


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """An invalidation: its number, the stream's life, the writer's token, and the tags.

    Releases that differ share a stream. A reader ignores fields that it does not know, and an
    invalidation whose tags it can't read concerns all of them.
    """

    number: int
    life: str
    writer: str
    tags: tuple[str, ...]

    @classmethod
    def of(cls, raw: Sequence[Any]) -> "StreamEntry":
        """Decode an entry; raise StreamLost for one without a life: no gateway wrote it."""
        id, pairs = raw
        fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
        if b"l" not in fields:
            raise StreamLost("another program has written to the stream")
        return cls(
            int(bytes(id).partition(b"-")[0]),
            _text(fields[b"l"]),
            _text(fields.get(b"w", b"")),
            tuple(filter(None, _text(fields.get(b"t", b"?")).split("\n"))),
        )

    @property
    def named(self) -> tuple[str, ...] | None:
        """The tags, None for all."""
        return self.tags if all(map(_TAG.fullmatch, self.tags)) else None


def latest_life(newest_first: Iterable[Sequence[Any]]) -> list[StreamEntry]:
    """Return the entries, oldest first, of the stream's current life that leave no gap."""
    found: list[StreamEntry] = []
    for raw in newest_first:
        try:
            entry = StreamEntry.of(raw)
        except StreamLost:
            break
        if found and (entry.life, entry.number) != (found[-1].life, found[-1].number - 1):
            break
        found.append(entry)
    return found[::-1]


def _text(value: Any) -> str:
    return bytes(value).decode(errors="replace")


def new_life() -> tuple[str, int]:
    """Return an id for a life of the stream, and a number beyond those of all lives before it."""
    return os.urandom(8).hex(), int(time.time() * 1000)
