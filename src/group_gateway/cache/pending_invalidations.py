"""Invalidations that did not reach the back end, until they are repeated. Pure; for `store`."""

from collections.abc import Iterable, Mapping


class Debt:
    """One missed invalidation, owed since a moment in seconds."""

    def __init__(self, since: float) -> None:
        self.since = since


class Debts:
    """What is owed for each tag. A debt that is `lifetime` seconds old has lapsed."""

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._owed: dict[str, Debt] = {}

    def __bool__(self) -> bool:
        return bool(self._owed)

    def owe(self, tags: Iterable[str], now: float) -> None:
        """Note that the tags must be renewed after this moment."""
        self._owed.update((tag, Debt(now)) for tag in tags)

    def due(self, now: float) -> dict[str, Debt]:
        """Forget what has lapsed, and give the rest."""
        self._owed = {t: d for t, d in self._owed.items() if now - d.since < self._lifetime}
        return dict(self._owed)

    def settle(self, paid: Mapping[str, Debt]) -> None:
        """Take off what was paid. A tag that came to be owed anew meanwhile stays."""
        for tag, debt in paid.items():
            if self._owed.get(tag) is debt:
                del self._owed[tag]
