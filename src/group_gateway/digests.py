"""Keyed digests, in place of credentials and ids, in cache keys, cursors and logs.

Without the secret neither a credential nor an id can be found from a digest.
"""

import hashlib

_BYTES = 16


class DigestKeys:
    """Makes digests under a secret of 16 to 64 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = hashlib.blake2b(key=secret, digest_size=_BYTES)

    def digest(self, *parts: str) -> str:
        """Return 32 hex digits; different parts give different digits."""
        state = self._keyed.copy()
        encoded = [part.encode() for part in parts]
        state.update(b"".join([len(part).to_bytes(8, "big") + part for part in encoded]))
        return state.hexdigest()
