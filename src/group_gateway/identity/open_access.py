"""Anybody: a service account with open doors, which a deployment must ask for by name."""

from group_gateway.cache.keys import KeyRing
from group_gateway.operation import Asker, Caller


class Anybody:
    """Everybody is the same caller, whatever credential they send; none goes upstream."""

    def __init__(self, keys: KeyRing) -> None:
        self._everybody = Caller(keys.digest("anybody"))

    def known(self, _: str | None) -> Caller:
        """See Callers."""
        return self._everybody

    async def identify(self, _: str | None) -> Asker:
        """See Callers."""
        return self._everybody
