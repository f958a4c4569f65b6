"""What happens when a group has changed: nobody gets what was read before it did.

Every change that this process makes (`writes`) or finds (`watches`) goes through here, so this is
where to listen for changes.
"""

from collections.abc import Callable

from group_gateway.cache.store import CacheStore
from group_gateway.groups.reading.cache_slots import CacheSlots
from group_gateway.groups.reading.loader import GroupLoader
from group_gateway.groups.reading.search_pages import SearchPages
from group_gateway.operation import Caller


class Invalidator:
    """Drops what was read, and tells listeners. `epoch` counts the changes.

    What was asked for in one epoch is not joined in a later one.
    """

    def __init__(
        self, cache: CacheStore, slots: CacheSlots, loader: GroupLoader, pages: SearchPages
    ) -> None:
        self._cache = cache
        self._slots = slots
        self._loader = loader
        self._pages = pages
        self.epoch = 0
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, listener: Callable[[str], None]) -> None:
        """Have a function called with the id of each group that has changed."""
        self._listeners.append(listener)

    async def renew(self, id: str | None = None) -> None:
        """Drop what was read of a group, or of a new one, and all searches, for all callers."""
        tags = [self._slots.search_tag]
        if id is not None:
            tags.append(self._slots.group_tag(id))
        try:
            await self._cache.invalidate(tags)
        finally:
            # Last: until now a look-up could still find an entry, and must not be joined any more.
            self.epoch += 1
            self._pages.forget()
            if id is not None:
                self._loader.forget(id)
                for listener in self._listeners:
                    listener(id)

    async def refused(self, caller: Caller) -> None:
        """Show a caller whom the upstream refused nothing past its time that was read before."""
        await self._cache.refused({caller.scope})
