"""What a request's headers ask for beyond an answer. Pure."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from group_gateway.http.requests import takes_parts

_ACCEPT: Final = b"accept"
_TRACE: Final = b"apollo-federation-include-trace"
_KEY: Final = b"x-router-key"


@dataclass(frozen=True, slots=True)
class RequestedFormat:
    """`trace`: the answer is to hold a trace of its operation, for a router (Apollo's `ftv1`).

    `parts`: it may come in parts.
    """

    trace: bool = False
    parts: bool = False


_TRACED: Final = RequestedFormat(trace=True)
_IN_PARTS: Final = RequestedFormat(parts=True)
_takes_parts = lru_cache(32)(takes_parts)


class Negotiation:
    """Reads wishes from headers. `headers` are those it reads: none where nothing may be asked.

    `router_key` is what a router proves itself by, if any may ask for traces: times tell what was
    cached, and how the upstream fares. With `parts` answers may come so.
    """

    def __init__(self, router_key: str = "", *, parts: bool = False) -> None:
        self._key = router_key.encode()
        self._parts = parts
        self.headers = frozenset({_TRACE, _KEY} if router_key else ())
        self.headers |= frozenset({_ACCEPT} if parts else ())

    def of(self, headers: Mapping[bytes, str], http_version: str) -> RequestedFormat | None:
        """Give what the headers ask for, if it is anything that they may.

        HTTP/1.0 has no bodies that come piece by piece.
        """
        if self._key and headers.get(_TRACE) == "ftv1":
            key = headers.get(_KEY, "").encode("latin-1")
            return _TRACED if hmac.compare_digest(key, self._key) else None
        if self._parts and http_version != "1.0" and _takes_parts(headers.get(_ACCEPT)):
            return _IN_PARTS
        return None
