"""A cache that never serves what a write has changed, and whose failure fails no request.

Each entry carries the position in the order of invalidations that was known before the upstream was
called. It is valid only while no later invalidation of its tag is known. So a read that overlaps a
write can't restore the old state, in any replica, whichever of the two ends first.

Entries are stored in this process and, if replicas share a Redis, there too. No entry is used while
this process may have missed an invalidation.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence

from group_gateway.cache.entries import Entry, LocalEntries, Lookup, SharedEntries, Slot
from group_gateway.cache.invalidation_history import InvalidationHistory, Listener
from group_gateway.cache.invalidation_log import InvalidationLog
from group_gateway.cache.pending_invalidations import PendingInvalidations
from group_gateway.cache.recovery import Recovery
from group_gateway.events import NO_EVENTS, Events
from group_gateway.operation import CacheDependency

_BYPASS = Lookup(None, None)


class CacheStore:
    """Look entries up, put them, and drop them by tag.

    After a failure of the shared store no entry is used until the store works again and has every
    invalidation that it missed (`recovery`). `problem` is why it fails. Other replicas may serve an
    entry that such an invalidation concerns until it is repeated, at most for `max_ttl` seconds,
    the longest life of an entry. Expired entries are kept for `stale` seconds more, for `outdated`.
    """

    def __init__(  # noqa: PLR0913 - where entries are, and times
        self,
        local: LocalEntries,
        log: InvalidationLog,
        shared: SharedEntries | None = None,
        *,
        max_ttl: float,
        stale: float = 0.0,
        pause: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        events: Events = NO_EVENTS,
    ) -> None:
        self._local = local
        self._log = log
        self._history: InvalidationHistory = log.history
        self._shared = shared
        self._max_ttl = max_ttl
        self._stale = stale if max_ttl > 0 else 0.0
        self._clock = clock
        self._events = events
        self._pending = PendingInvalidations(entries_lifetime(max_ttl, stale))
        self.problem: str | None = None
        self._recovery = Recovery(self._works, self._note, pause=pause, events=events)
        log.watch(lost=self._recovery.failed, restarted=self._restarted)

    def listen(self, listener: Listener) -> None:
        """Call a function with the tags of each invalidation, by any replica."""
        self._history.listen(listener)

    @property
    def epoch(self) -> int | None:
        """The number of invalidations so far; entries stay valid while it stays the same.

        None while the number is unknown, because invalidations may be missing.
        """
        if self.problem is not None or not self._log.is_current:
            return None
        return self._history.count

    def may_join(self, began: float) -> bool:
        """Return whether a load that started at this time may serve a new request.

        While invalidations may be missing, a load older than that uncertainty may not.
        """
        return self._log.is_current or self._clock() - began <= self._log.silence

    @property
    def _is_usable(self) -> bool:
        return self._max_ttl > 0 and self.problem is None

    @property
    def is_shared(self) -> bool:
        """Whether other processes share the entries."""
        return self._shared is not None

    async def start(self) -> bool:
        """Start to follow the invalidations of others; return whether that works yet."""
        return await self._log.caught_up()

    async def lookup(self, slots: Sequence[Slot]) -> list[Lookup]:
        """Look up all slots at once, in their order."""
        if not self._is_usable or not (self._log.is_current or await self._is_current()):
            return [_BYPASS] * len(slots)
        found = [self._judged(self._local.value(slot.key), slot) for slot in slots]
        missing = [slot.key for slot, seen in zip(slots, found, strict=True) if seen.value is None]
        if self._shared is not None and missing:
            copies = await self._copied(missing)
            if copies is None:
                return [_BYPASS] * len(slots)
            found = [
                seen if seen.value is not None else self._judged(copies.get(slot.key), slot)
                for slot, seen in zip(slots, found, strict=True)
            ]
        misses = len([lookup for lookup in found if lookup.value is None])
        self._events.cache_looked_up(len(found) - misses, misses)
        return found

    async def _copied(self, keys: Sequence[str]) -> dict[str, bytes] | None:
        """Copy the shared entries of these keys; return None when they can't be trusted."""
        if self._shared is None:
            return {}
        try:
            entries = await self._shared.get(keys)
        except Exception as error:  # noqa: BLE001 - whatever a cache raises, the request goes on
            self._recovery.failed(error)
            return None
        # It may have missed an invalidation while it answered.
        if not self._is_usable or not self._log.is_current:
            return None
        copies = {}
        now = self._clock()
        for key, entry in zip(keys, entries, strict=True):
            if entry is None:
                continue
            expires = min(entry.expires, now + self._max_ttl)
            if (left := expires + self._stale - now) > 0:
                position = self._history.at(entry.position)
                copies[key] = Entry(position, expires, entry.value).packed()
                self._local.keep(key, copies[key], left)
        return copies

    def _judged(self, packed: bytes | None, slot: Slot) -> Lookup:
        if packed is not None:
            position, expires, value = Entry.of(packed)
            # The back end counts from the put, which may have been late; or the entry is outdated.
            if self._history.holds(slot.tag, position) and expires > self._clock():
                return Lookup(value, position, expires)
        return Lookup(None, self._history.position)

    async def put(self, entries: Iterable[tuple[Slot, Lookup, bytes]], ttl: float) -> None:
        """Store values for `ttl` seconds, each with the lookup that missed it."""
        ttl = min(ttl, self._max_ttl)
        if ttl <= 0 or not self._is_usable:
            return
        expires = self._clock() + ttl
        shared: list[tuple[str, Entry]] = []
        for slot, lookup, value in entries:
            if lookup.position is None:
                continue
            number = self._history.number(lookup.position)
            if number is not None:
                entry = Entry(lookup.position, expires, value)
                self._local.keep(slot.key, entry.packed(), ttl + self._stale)
                shared.append((slot.key, entry._replace(position=number)))
        if shared and self._shared is not None:
            try:
                await self._shared.put(shared, ttl + self._stale)
            except Exception as error:  # noqa: BLE001 - see _copied
                self._recovery.failed(error)

    async def outdated(self, slots: Sequence[Slot]) -> list[tuple[bytes, float] | None]:
        """Return each slot's value, expired or not, and the seconds since it expired.

        This is for stale-if-error. Values that a write has dropped, or that were put before their
        owner was last refused, are omitted. The seconds are negative for a fresh value.
        """
        if not self._stale or not slots or not self._is_usable or not await self._is_current():
            return [None] * len(slots)
        kept = {slot.key: self._local.value(slot.key) for slot in slots}
        missing = [slot.key for slot in slots if self._outdated(slot, kept[slot.key]) is None]
        copies = await self._copied(missing) if missing else {}
        if copies is None:
            return [None] * len(slots)
        kept.update(copies)
        return [self._outdated(slot, kept[slot.key]) for slot in slots]

    def _outdated(self, slot: Slot, packed: bytes | None) -> tuple[bytes, float] | None:
        if packed is None:
            return None
        position, expires, value = Entry.of(packed)
        if not all(self._history.holds(tag, position) for tag in (slot.tag, slot.owner)):
            return None
        age = self._clock() - expires
        return (value, age) if age < self._stale else None

    async def refused(self, owners: Iterable[str]) -> None:
        """Serve these owners no expired entry that was put before now."""
        if self._stale:
            await self.invalidate(owners)

    def dependency(self, slot: Slot, lookup: Lookup, ttl: float) -> CacheDependency | None:
        """Return the dependency on a slot's value: found by lookup, or put for `ttl` seconds."""
        if lookup.position is None:
            return None
        expires = lookup.expires if lookup.value is not None else self._clock() + ttl
        return CacheDependency(slot.tag, lookup.position, expires)

    def is_over(self, expires: float) -> bool:
        """Return whether a time of expiry has passed."""
        return expires <= self._clock()

    def holds_now(self, dependencies: Sequence[CacheDependency]) -> bool | None:
        """Return whether all dependencies are valid; None if that needs waiting."""
        if not self._is_usable:
            return False
        if not self._log.is_current:
            return None
        now = self._clock()
        holds = self._history.holds
        return all(d.expires > now and holds(d.tag, d.position) for d in dependencies)

    async def holds(self, dependencies: Sequence[CacheDependency]) -> bool:
        """Return whether all dependencies are valid."""
        return await self._is_current() and bool(self.holds_now(dependencies))

    async def invalidate(self, tags: Iterable[str]) -> None:
        """Drop every entry of these tags, for all callers, before this returns.

        Replicas that share the log have received it, or will when the log works again.
        """
        tags = list(tags)
        if self._shared is None:
            await self._log.append(tags)
            return
        made = self._pending.add(tags, self._clock())
        try:
            if self.problem is None and await self._is_current():
                await self._log.append(tags)
                self._pending.settle(made)
        except Exception as error:  # noqa: BLE001 - see _copied
            self._recovery.failed(error)
        finally:
            if not all(each.is_confirmed for each in made.values()):
                self._recovery.begin("an invalidation was not confirmed")
                self._history.announce(tags)

    async def _is_current(self) -> bool:
        """Wait until no invalidation is missing, within the log's usual time."""
        if self._log.is_current:
            return True
        if self.problem is not None:
            return False
        if not await self._log.caught_up():
            self._recovery.begin("the stream of invalidations is silent")
            return False
        return self.problem is None

    def _restarted(self) -> None:
        """Repeat what the log may have lost when it started anew."""
        self._pending.doubt()
        if not self._pending.are_confirmed:
            self._recovery.begin("invalidations may be lost")

    def _note(self, problem: str | None) -> None:
        self.problem = problem

    async def _works(self) -> bool:
        """Return whether the log is current and has all that it missed; raise what fails.

        It tries each kind of command in any case: what has failed may be one of them.
        """
        if not await self._log.caught_up():
            return False
        if self._shared is not None:
            await self._shared.check()
        due = self._pending.due(self._clock())
        await self._log.append(list(due))
        self._pending.settle(due)
        return self._pending.are_confirmed

    async def aclose(self) -> None:
        """Close all connections."""
        await self._recovery.aclose()
        with contextlib.suppress(Exception):  # see _copied
            await self._log.aclose()
        if self._shared is not None:
            with contextlib.suppress(Exception):  # see _copied
                await self._shared.aclose()


def entries_lifetime(max_ttl: float, stale: float) -> float:
    """Return the seconds after which no entry that exists now is alive."""
    return 2 * (max_ttl + stale) + 60
