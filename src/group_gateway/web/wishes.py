"""What a request's headers ask for beyond an answer. Pure; used by `endpoint`."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_TRACE: Final = b"apollo-federation-include-trace"
_KEY: Final = b"x-router-key"


@dataclass(frozen=True, slots=True)
class Wish:
    """`trace`: the answer is to hold a trace of its operation, for a router (Apollo's `ftv1`)."""

    trace: bool = False


class Wishes:
    """Reads wishes from headers. `headers` are those it reads: none where nothing may be asked.

    `router_key` is what a router proves itself by, if any may ask for traces: times tell what was
    cached, and how the upstream fares.
    """

    def __init__(self, router_key: str = "") -> None:
        self._key = router_key.encode()
        self.headers = frozenset({_TRACE, _KEY}) if router_key else frozenset()

    def of(self, headers: Mapping[bytes, str]) -> Wish | None:
        """Give what the headers ask for, if it is anything that they may."""
        if headers.get(_TRACE) != "ftv1":
            return None
        key = headers.get(_KEY, "").encode("latin-1")
        return Wish(trace=True) if hmac.compare_digest(key, self._key) else None
