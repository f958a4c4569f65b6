"""Authorization: the sandbox's bearer tokens and those issued by `/auth/token/`."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from group_gateway.sandbox import wellknown as known

_MOST_ISSUED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Caller:
    """The rights behind a token."""

    reads: bool = True
    writes: bool = True
    half: bool = False
    """Sees only the groups whose id starts with an even hexadecimal digit."""

    def sees(self, identity: str) -> bool:
        """Return whether a group, by its id, exists for this caller."""
        return not self.half or identity[0] in "02468aceACE"


_STANDING: Final = {
    known.TOKEN: Caller(),
    known.READ_TOKEN: Caller(writes=False),
    known.OTHER_TOKEN: Caller(half=True),
}


class Tokens:
    """The valid tokens. The number of issued ones is bounded: the oldest are dropped."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._issued: OrderedDict[str, tuple[Caller, float]] = OrderedDict()
        self._revoked: set[str] = set()

    @property
    def newest(self) -> str:
        """The token that was issued last."""
        return next(reversed(self._issued))

    def issue(self, caller: Caller, lifetime_s: int) -> str:
        """Issue a new token with a caller's rights."""
        token = secrets.token_urlsafe(32)
        self._issued[token] = caller, self._now() + lifetime_s
        if len(self._issued) > _MOST_ISSUED:
            self._issued.popitem(last=False)
        return token

    def revoke(self, token: str) -> bool:
        """Revoke a token; return whether it was valid until now."""
        good = self.caller(token) is not None
        self._issued.pop(token, None)
        if token in _STANDING:
            self._revoked.add(token)
        return good

    def reset(self) -> None:
        """Drop issued tokens, and restore revoked ones."""
        self._issued.clear()
        self._revoked.clear()

    def caller(self, token: str) -> Caller | None:
        """Return the caller of a token; None when it is unknown, revoked or expired."""
        if token in _STANDING:
            return None if token in self._revoked else _STANDING[token]
        caller, end = self._issued.get(token, (None, 0.0))
        return caller if self._now() < end else None
