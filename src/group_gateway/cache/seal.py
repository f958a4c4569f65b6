"""Seals on values that leave the process. Used by `backend`.

Whoever can write to the shared store could otherwise hand one caller's entry to another. With a
seal a value counts only in the place that it was made for; all else is as good as absent.
"""

import hashlib

from group_gateway.cache.keys import KeyRing

_SEAL_BYTES = 16
_FORMAT = b"cache entry 1"
"""Names what is inside: entries of a gateway that writes another form are absent for this one."""


class Seal:
    """Closes and opens values under a key of the gateway.

    `epoch` is part of every seal: values closed in one epoch can't be opened in another.
    """

    def __init__(self, keys: KeyRing) -> None:
        self._key = keys.digest("seal").encode()
        self.epoch = ""

    def close(self, place: str, value: bytes) -> bytes:
        """Give the value as it may lie in a place, which is named without line breaks."""
        return self._mark(place, value) + value

    def open(self, place: str, sealed: bytes) -> bytes | None:
        """Give the value back; None when it was not closed for this place in this epoch."""
        value = sealed[_SEAL_BYTES:]
        return value if sealed[:_SEAL_BYTES] == self._mark(place, value) else None

    def _mark(self, place: str, value: bytes) -> bytes:
        state = hashlib.blake2b(key=self._key, digest_size=_SEAL_BYTES, person=_FORMAT)
        state.update(f"{self.epoch}\n{place}\n".encode())
        state.update(value)
        return state.digest()
