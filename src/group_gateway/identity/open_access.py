"""Anybody: a service account with open doors, which a deployment must ask for by name."""

from group_gateway.digests import DigestKeys
from group_gateway.operation import Caller, Principal


class OpenAccess:
    """Everybody is the same caller, whatever credential they send; none goes upstream."""

    def __init__(self, keys: DigestKeys) -> None:
        self._everybody = Caller(keys.digest("anybody"))

    @property
    def problem(self) -> None:
        """See Authenticator: nothing can be wrong here."""
        return

    def known(self, _: str | None) -> Caller:
        """See Callers."""
        return self._everybody

    async def authenticate(self, _: str | None) -> Principal:
        """See Callers."""
        return self._everybody
