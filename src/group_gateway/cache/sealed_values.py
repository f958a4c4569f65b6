"""Seals on values that leave the process.

Without one, anybody who can write to the shared store could hand one caller's entry to another. A
sealed value is accepted only in the place that it was sealed for; anything else counts as absent. A
`ValueSigner` leaves the value readable in the store, a `ValueEncryptor` encrypts it.
"""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from group_gateway.digests import DigestKeys

_SEAL_BYTES = 16
_NONCE_BYTES = 12
_FORMAT = b"cache entry 3"
_CIPHER_FORMAT = b"hidden entry 3"
"""What is inside: entries of a gateway that writes another form are absent for this one."""


class ValueSigner:
    """Closes and opens values under a key of the gateway."""

    def __init__(self, keys: DigestKeys) -> None:
        self._key = keys.digest("seal").encode()

    def close(self, place: str, value: bytes) -> bytes:
        """Return the value as it may be stored in a place: whatever it must belong to."""
        return self._mark(place, value) + value

    def open(self, place: str, sealed: bytes) -> bytes | None:
        """Return the value that was closed; None when it was not closed for this place."""
        mark, value = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
        return value if hmac.compare_digest(mark, self._mark(place, value)) else None

    def _mark(self, place: str, value: bytes) -> bytes:
        state = hashlib.blake2b(key=self._key, digest_size=_SEAL_BYTES, person=_FORMAT)
        state.update(f"{place}\n".encode())
        state.update(value)
        return state.digest()


class ValueEncryptor(ValueSigner):
    """A seal that hides the value too: AES-GCM, which also shows that nobody changed it.

    Each place has a key of its own, so that random nonces never run out.
    """

    def close(self, place: str, value: bytes) -> bytes:
        """See ValueSigner."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher(place).encrypt(nonce, value, None)

    def open(self, place: str, sealed: bytes) -> bytes | None:
        """See ValueSigner."""
        try:
            return self._cipher(place).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError):  # ValueError: too short for a nonce
            return None

    def _cipher(self, place: str) -> AESGCM:
        state = hashlib.blake2b(key=self._key, digest_size=32, person=_CIPHER_FORMAT)
        state.update(f"{place}".encode())
        return AESGCM(state.digest())
