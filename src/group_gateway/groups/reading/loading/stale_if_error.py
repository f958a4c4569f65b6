"""Stale-if-error: serve expired entries while the upstream is down.

A caller whom the upstream has refused since is served none. The cache keeps expired entries only if
the settings say so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from group_gateway.cache.entries import Slot
from group_gateway.cache.store import CacheStore
from group_gateway.errors import Forbidden, Unauthenticated, UpstreamUnavailable


@dataclass(frozen=True, slots=True)
class Recalled:
    """A cache entry's value, and how many seconds ago it was read."""

    value: bytes
    age: float


async def stale_if_error(
    cache: CacheStore, slots: Sequence[Slot], failure: Exception, lifetime: float
) -> list[Recalled | None]:
    """Return for each slot the expired entry that may be served instead of a failure.

    Only while the upstream is unavailable. When it refuses the caller (401, 403), no earlier entry
    is served, now or later. Entries are fresh for `lifetime` seconds.
    """
    if isinstance(failure, Unauthenticated | Forbidden):
        await cache.refused({slot.owner for slot in slots})
    if not isinstance(failure, UpstreamUnavailable):
        return [None] * len(slots)
    return [
        found and Recalled(found[0], max(0.0, lifetime + found[1]))
        for found in await cache.outdated(slots)
    ]


async def vanished(cache: CacheStore, slots: Sequence[Slot]) -> None:
    """Record groups that the upstream does not show to a caller.

    If it did before, the caller may have lost rights, also to other groups: then no expired entry
    is served to the caller any more.
    """
    before = await cache.outdated(slots)
    owners = {slot.owner for slot, found in zip(slots, before, strict=True) if found and found[0]}
    if owners:
        await cache.refused(owners)
