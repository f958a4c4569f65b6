"""Invalidations that did not reach the back end, until they are repeated. Pure."""

from collections.abc import Iterable, Mapping


class PendingInvalidation:
    """One missed invalidation, owed since a moment in seconds."""

    def __init__(self, since: float) -> None:
        self.since = since


class PendingInvalidations:
    """What is owed for each tag. A debt that is `lifetime` seconds old has lapsed."""

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._owed: dict[str, PendingInvalidation] = {}

    def __bool__(self) -> bool:
        return bool(self._owed)

    def add(self, tags: Iterable[str], now: float) -> None:
        """Note that the tags must be renewed after this moment."""
        self._owed.update((tag, PendingInvalidation(now)) for tag in tags)

    def due(self, now: float) -> dict[str, PendingInvalidation]:
        """Forget what has lapsed, and give the rest."""
        self._owed = {t: d for t, d in self._owed.items() if now - d.since < self._lifetime}
        return dict(self._owed)

    def settle(self, paid: Mapping[str, PendingInvalidation]) -> None:
        """Take off what was paid. A tag that came to be owed anew meanwhile stays."""
        for tag, debt in paid.items():
            if self._owed.get(tag) is debt:
                del self._owed[tag]
