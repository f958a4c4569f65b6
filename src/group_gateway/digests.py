"""Keyed digests, in place of credentials and ids, in cache keys, cursors and logs.

Without the secret neither a credential nor an id can be found from a digest.
"""

import hashlib
from collections.abc import Iterable

_BYTES = 16


class DigestKeys:
    """Makes digests under a secret of 16 to 64 bytes, of parts that follow the `first` ones."""

    def __init__(self, secret: bytes, *first: str) -> None:
        self._secret = secret
        self._first = first
        self._keyed = hashlib.blake2b(_framed(first), key=secret, digest_size=_BYTES)

    def under(self, *parts: str) -> "DigestKeys":
        """Return what makes the digests of these and further parts: only the further ones cost."""
        return DigestKeys(self._secret, *self._first, *parts)

    def digest(self, *parts: str) -> str:
        """Return 32 hex digits; different parts give different digits."""
        state = self._keyed.copy()
        state.update(_framed(parts))
        return state.hexdigest()


def _framed(parts: Iterable[str]) -> bytes:
    """Return parts as bytes, each after its length, so that no two lists of parts look alike."""
    return b"".join([len(p).to_bytes(8, "big") + p for p in map(str.encode, parts)])
