"""Keys that say nothing: keyed digests of who asks and of what is asked for.

Used by `web` for the caller's scope and by `store` for entries. Without the secret neither a
credential nor an id can be found from a key.
"""

import hashlib
from dataclasses import dataclass

_BYTES = 16


@dataclass(frozen=True, slots=True)
class DigestKeys:
    """Makes digests under a secret of 16 to 64 bytes."""

    secret: bytes

    def digest(self, *parts: str) -> str:
        """Return 32 hex digits for the parts; other parts give other digits."""
        state = hashlib.blake2b(key=self.secret, digest_size=_BYTES)
        for part in parts:
            data = part.encode()
            state.update(len(data).to_bytes(8, "big"))
            state.update(data)
        return state.hexdigest()
