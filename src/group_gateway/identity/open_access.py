"""Open access: a service account without authentication, which a deployment must choose by name."""

from group_gateway.digests import DigestKeys
from group_gateway.operation import Caller, Principal


class OpenAccess:
    """Treat everybody as the same caller, whatever credential they send; none goes upstream."""

    def __init__(self, keys: DigestKeys) -> None:
        self._everybody = Caller(keys.digest("anybody"))

    @property
    def problem(self) -> None:
        """See Authenticator. This mode has no problems."""
        return

    def cached(self, _: str | None) -> Caller:
        """See Authenticator."""
        return self._everybody

    async def authenticate(self, _: str | None) -> Principal:
        """See Authenticator."""
        return self._everybody
