"""Pass-through: the upstream authenticates the callers."""

from collections.abc import Mapping
from functools import lru_cache

from group_gateway.digests import DigestKeys
from group_gateway.identity.authenticator import NO_TOKEN, bearer_token
from group_gateway.operation import Caller, Principal

_MOST_KEPT = 1024
_LONGEST_KEPT = 4096
"""Longest header, in characters, that is remembered."""


class PassThroughAuthenticator:
    """Send the caller's bearer token upstream, which decides what it allows.

    With `anonymous` a request without a token goes upstream too, for upstreams that are open.
    """

    def __init__(self, keys: DigestKeys, *, anonymous: bool = False) -> None:
        self._keys = keys
        self._anonymous = anonymous
        # A caller sends more than one request, and a digest costs more than a lookup.
        self._kept = lru_cache(_MOST_KEPT)(self._found)

    @property
    def problem(self) -> None:
        """See Authenticator. This mode has no problems."""
        return

    def cached(self, authorization: str | None) -> Caller | None:
        """See Authenticator."""
        if authorization is not None and len(authorization) > _LONGEST_KEPT:
            return self._found(authorization)
        return self._kept(authorization)

    def _found(self, authorization: str | None) -> Caller | None:
        if authorization is None:
            return Caller(self._keys.digest("anonymous")) if self._anonymous else None
        token = bearer_token(authorization)
        return None if token is None else passed_on(token, self._keys)

    async def authenticate(self, authorization: str | None) -> Principal:
        """See Authenticator."""
        return self.cached(authorization) or NO_TOKEN


def passed_on(
    token: str,
    keys: DigestKeys,
    identity: Mapping[str, str] | None = None,
    until: float | None = None,
    fhir_user: str | None = None,
) -> Caller:
    """Return the caller whose own token is sent upstream."""
    scope = keys.digest("bearer", token)
    return Caller(scope, f"Bearer {token}", identity=identity, until=until, fhir_user=fhir_user)
