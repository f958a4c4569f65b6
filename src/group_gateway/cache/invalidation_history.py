"""The invalidations that this process knows of, each with its position in their order. Pure.

An entry carries the position that was known before the upstream was called. It is valid only while
no later invalidation of its tag is known. So a read that overlaps a write can't restore the old
state, in whichever order the two end.
"""

import time
from collections.abc import Callable, Iterable, Sequence

Tags = Sequence[str] | None
"""The tags that an invalidation names; None stands for all of them."""
Listener = Callable[[Tags], None]

_LIFE_BITS = 64


class InvalidationHistory:
    """The last invalidation of each tag. `position` is the last one known.

    Entries below `floor` are invalid, because invalidations of them may be unknown. `count` changes
    with every invalidation. Invalidations older than `lifetime` seconds are forgotten: no entry
    that they could concern is still alive.
    """

    def __init__(
        self,
        *,
        lifetime: float,
        max_tags: int = 50_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lifetime = lifetime
        self._max_tags = max_tags
        self._clock = clock
        self._last: dict[str, tuple[int, float]] = {}
        self._listeners: list[Listener] = []
        self._life = 0
        self.position = 0
        self.floor = 0
        self.count = 0

    def __len__(self) -> int:
        return len(self._last)

    def listen(self, listener: Listener) -> None:
        """Call a function with the tags of each invalidation, after it has taken effect."""
        self._listeners.append(listener)

    def holds(self, tag: str, position: int) -> bool:
        """Return whether an entry of this tag, read at this position, is still valid."""
        if position < self.floor:
            return False
        last = self._last.get(tag)
        return last is None or last[0] <= position

    def number(self, position: int) -> int | None:
        """Return a position's number in the shared order; None if it belongs to an earlier life."""
        return position - (self._life << _LIFE_BITS) if position >= self.floor else None

    def at(self, number: int) -> int:
        """Return the position of a number in the shared order, in its current life."""
        return (self._life << _LIFE_BITS) | number

    def record(self, tags: Tags, number: int) -> None:
        """Record an invalidation."""
        self._note(tags, number)
        self.count += 1
        self.announce(tags)

    def restart(self, floor: int, known: Iterable[tuple[int, Tags]] = ()) -> None:
        """Start a new life: all earlier entries are invalid.

        `known` holds all invalidations after the number `floor`.
        """
        self._life += 1
        self._last.clear()
        self.position = self.floor = self.at(floor)
        for number, tags in known:
            self._note(tags, number)
        self.count += 1
        self.announce(None)

    def _note(self, tags: Tags, number: int) -> None:
        position = self.position = self.at(number)
        if tags is None:
            self._last.clear()
            self.floor = position
            return
        now = self._clock()
        for tag in tags:
            self._last.pop(tag, None)
            self._last[tag] = (position, now)
        self._forget(now)

    def announce(self, tags: Tags) -> None:
        """Call the listeners of an invalidation."""
        for listener in self._listeners:
            listener(tags)

    def _forget(self, now: float) -> None:
        """Drop old and excess invalidations.

        Entries that could depend on them fall below the floor.
        """
        while self._last:
            tag, (position, since) = next(iter(self._last.items()))
            if now - since <= self._lifetime and len(self._last) <= self._max_tags:
                return
            del self._last[tag]
            self.floor = max(self.floor, position)
