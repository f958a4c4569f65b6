"""Invalidations of this process that the shared log may lack, until they are repeated. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from group_gateway.cache.invalidation_log import EVERYTHING


@dataclass(slots=True, eq=False)
class PendingInvalidation:
    """An invalidation at a time in seconds; `is_confirmed` once the log holds it."""

    since: float
    is_confirmed: bool = False


class PendingInvalidations:
    """The latest invalidation of each tag, for `lifetime` seconds.

    Confirmed ones are remembered too: a fail-over may lose what the log had confirmed. More than
    `most` of them count as one invalidation of everything.
    """

    def __init__(self, lifetime: float, *, most: int = 10_000) -> None:
        self._lifetime = lifetime
        self._most = most
        self._pending: dict[str, PendingInvalidation] = {}

    @property
    def are_confirmed(self) -> bool:
        """Whether the log holds all of them."""
        return all(each.is_confirmed for each in self._pending.values())

    def add(self, tags: Iterable[str], now: float) -> dict[str, PendingInvalidation]:
        """Record an invalidation of these tags now; return the argument of `settle`."""
        added = {tag: PendingInvalidation(now) for tag in tags}
        for tag in added:
            self._pending.pop(tag, None)
        if len(self._pending) + len(added) > self._most:
            all_confirmed = all(each.is_confirmed for each in self._pending.values())
            self._pending = {EVERYTHING: PendingInvalidation(now, is_confirmed=all_confirmed)}
        self._pending.update(added)
        self._forget(now)
        return added

    def due(self, now: float) -> dict[str, PendingInvalidation]:
        """Return those that the log may lack."""
        self._forget(now)
        return {tag: each for tag, each in self._pending.items() if not each.is_confirmed}

    def settle(self, confirmed: Mapping[str, PendingInvalidation]) -> None:
        """Record that the log holds these. A tag that was invalidated again meanwhile stays due."""
        for each in confirmed.values():
            each.is_confirmed = True

    def doubt(self) -> None:
        """Record that the log may have lost all of them."""
        for each in self._pending.values():
            each.is_confirmed = False

    def _forget(self, now: float) -> None:
        while self._pending:
            tag, oldest = next(iter(self._pending.items()))
            if now - oldest.since < self._lifetime:
                return
            del self._pending[tag]
