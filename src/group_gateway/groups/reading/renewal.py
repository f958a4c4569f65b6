"""What happens when a group has changed: nobody gets what was read before. Used by `writes`.

Every change that this process makes or learns of goes through here, so whoever wants to know of
changes listens here.
"""

from collections.abc import Callable

from group_gateway.cache.store import CacheStore
from group_gateway.groups.reading.loader import GroupLoader
from group_gateway.groups.reading.pages import SearchPages
from group_gateway.groups.reading.snapshot import Slots
from group_gateway.operation import Caller


class Renewal:
    """Ends the life of what was read. `epoch` counts how often.

    What was asked for before one epoch is not joined after it.
    """

    def __init__(
        self, cache: CacheStore, slots: Slots, loader: GroupLoader, pages: SearchPages
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
        """Have nothing of a caller whom the upstream refused outlive its time."""
        await self._cache.refused({caller.scope})
