"""The entries of the stream of invalidations, and the script that appends one."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from group_gateway.cache.invalidation_log import EVERYTHING

_LENGTH = 10_000
"""Entries that the stream keeps, at least."""
_KEPT_SECONDS = 86_400
"""Time to live of the stream, in seconds after its last entry."""

# ARGV: an id for a life that starts now, its first number, the writer's token, the tags.
APPEND = f"""
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local life, number = ARGV[1], tonumber(ARGV[2])
if last then
    life = last[2][2]
    number = tonumber(string.match(last[1], '^(%d+)')) + 1
end
local id = string.format('%.0f-0', number)
redis.call('XADD', KEYS[1], 'MAXLEN', '~', {_LENGTH}, id, 'l', life, 'w', ARGV[3], 't', ARGV[4])
redis.call('EXPIRE', KEYS[1], {_KEPT_SECONDS})
return id
"""


class StreamLost(Exception):
    """The stream can't be followed any longer. The text is the reason."""


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """An invalidation: its number, the stream's life, the writer's token, and the tags."""

    number: int
    life: str
    writer: str
    tags: tuple[str, ...]

    @classmethod
    def of(cls, raw: Sequence[Any]) -> "StreamEntry":
        """Decode an entry; raise StreamLost for a foreign one."""
        try:
            number = int(bytes(raw[0]).partition(b"-")[0])
            values = [bytes(value).decode() for value in raw[1][1::2]]
            life, writer, tags = values
        except (ValueError, TypeError, IndexError):
            raise StreamLost("what is in the stream's place is something else") from None
        return cls(number, life, writer, tuple(filter(None, tags.split("\n"))))

    @property
    def named(self) -> tuple[str, ...] | None:
        """The tags, None for all."""
        return None if EVERYTHING in self.tags else self.tags


def new_life() -> tuple[str, int]:
    """Return an id for a life of the stream, and a number beyond those of all lives before it."""
    return os.urandom(8).hex(), int(time.time() * 1000)
