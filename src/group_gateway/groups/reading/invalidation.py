"""Invalidation: after a change of a group, no caller gets an earlier state.

Changes that this process makes or detects are published here, and those of all replicas are
received here.
"""

from collections.abc import Callable

from group_gateway.cache.invalidation_history import Tags
from group_gateway.cache.store import CacheStore
from group_gateway.groups.reading.loading.cache_slots import CacheSlots
from group_gateway.groups.reading.loading.group_loader import GroupLoader
from group_gateway.groups.reading.loading.search_pages import SearchPages
from group_gateway.operation import Caller


class Invalidator:
    """Drop what was read, and call listeners.

    `epoch` counts the changes by all replicas. A load that started in one epoch is not joined in a
    later one.
    """

    def __init__(
        self, cache: CacheStore, slots: CacheSlots, loader: GroupLoader, pages: SearchPages
    ) -> None:
        self._cache = cache
        self._slots = slots
        self._loader = loader
        self._pages = pages
        self.epoch = 0
        self._listeners: list[Callable[[Tags], None]] = []
        cache.listen(self._invalidated)

    def listen(self, listener: Callable[[Tags], None]) -> None:
        """Call a function with the tags of each change; None when anything may have changed."""
        self._listeners.append(listener)

    def tag_of(self, id: str) -> str:
        """Return the tag that names a group in changes."""
        return self._slots.group_tag(id)

    async def invalidate(self, id: str | None = None) -> None:
        """Drop all entries of a group, or of a new one, and all searches, for all callers."""
        tags = [self._slots.search_tag]
        if id is not None:
            tags.append(self._slots.group_tag(id))
        await self._cache.invalidate(tags)

    async def refused(self, caller: Caller) -> None:
        """Stop to serve expired entries to a caller whom the upstream has refused."""
        await self._cache.refused({caller.scope})

    def _invalidated(self, tags: Tags) -> None:
        # No lookup finds the old entries now; results that did must not be joined.
        self.epoch += 1
        self._loader.forget(tags)
        if tags is None or self._slots.search_tag in tags:
            self._pages.forget()
        for listener in self._listeners:
            listener(tags)
