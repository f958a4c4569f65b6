"""Keyed digests, in place of credentials and ids, in cache keys, cursors and logs.

Without the secret neither a credential nor an id can be found from a digest.
"""

import hashlib
from collections.abc import Iterable
from copy import copy

_BYTES = 16


class DigestKeys:
    """Makes digests under a secret of 16 to 64 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = hashlib.blake2b(key=secret, digest_size=_BYTES)

    def under(self, *parts: str) -> "DigestKeys":
        """Return keys whose digest of further parts is that of all: only the further ones cost."""
        keys = copy(self)
        keys._keyed = self._updated(parts)
        return keys

    def digest(self, *parts: str) -> str:
        """Return 32 hex digits; different parts give different digits."""
        return self._updated(parts).hexdigest()

    def _updated(self, parts: Iterable[str]) -> hashlib.blake2b:
        state = self._keyed.copy()
        state.update(b"".join([len(p).to_bytes(8, "big") + p for p in map(str.encode, parts)]))
        return state
