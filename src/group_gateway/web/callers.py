"""Who asks: from the Authorization header to a Caller. Used by `endpoint`."""

from functools import lru_cache

from group_gateway.cache.keys import KeyRing
from group_gateway.operation import Caller

_SCHEME = "bearer "


class PassThrough:
    """The caller's bearer token goes upstream, and the upstream decides what it may do.

    With `anonymous` a request without a token is passed on too, for upstreams that are open.
    """

    def __init__(self, keys: KeyRing, *, anonymous: bool = False) -> None:
        self._keys = keys
        self._anonymous = anonymous
        # A caller asks more than once, and a digest costs more than a look-up.
        self.identify = lru_cache(maxsize=1024)(self._identify)

    def _identify(self, authorization: str | None) -> Caller | None:
        """Give the caller; None when the request says nothing of use."""
        if authorization is None:
            return Caller(self._keys.digest("anonymous")) if self._anonymous else None
        token = authorization[len(_SCHEME) :].strip()
        if authorization[: len(_SCHEME)].lower() != _SCHEME or not _is_token(token):
            return None
        return Caller(self._keys.digest("bearer", token), f"Bearer {token}")


def _is_token(token: str) -> bool:
    """Tell whether a token may go into a header (RFC 6750, section 2.1, any visible ASCII)."""
    return bool(token) and token.isascii() and token.isprintable() and " " not in token
