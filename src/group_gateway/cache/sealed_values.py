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
_FORMAT = b"cache entry 2"
_CIPHER_FORMAT = b"hidden entry 2"
"""What is inside: entries of a gateway that writes another form are absent for this one."""


class ValueSigner:
    """Closes and opens values under a key of the gateway.

    `epoch` is part of every seal: values closed in one epoch can't be opened in another.
    """

    def __init__(self, keys: DigestKeys) -> None:
        self._key = keys.digest("seal").encode()
        self.epoch = ""

    def close(self, place: str, value: bytes) -> bytes:
        """Give the value as it may be stored in a place (its key, without line breaks)."""
        return self._mark(place, value) + value

    def open(self, place: str, sealed: bytes) -> bytes | None:
        """Give the value back; None when it was not closed for this place in this epoch."""
        mark, value = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
        return value if hmac.compare_digest(mark, self._mark(place, value)) else None

    def _mark(self, place: str, value: bytes) -> bytes:
        state = hashlib.blake2b(key=self._key, digest_size=_SEAL_BYTES, person=_FORMAT)
        state.update(f"{self.epoch}\n{place}\n".encode())
        state.update(value)
        return state.digest()


class ValueEncryptor(ValueSigner):
    """A seal that hides the value too: AES-GCM, which also shows that nobody changed it.

    Each place and epoch has a key of its own, so that random nonces never run out.
    """

    def close(self, place: str, value: bytes) -> bytes:
        """See Seal."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher(place).encrypt(nonce, value, None)

    def open(self, place: str, sealed: bytes) -> bytes | None:
        """See Seal."""
        try:
            return self._cipher(place).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError):  # ValueError: too short for a nonce
            return None

    def _cipher(self, place: str) -> AESGCM:
        state = hashlib.blake2b(key=self._key, digest_size=32, person=_CIPHER_FORMAT)
        state.update(f"{self.epoch}\n{place}".encode())
        return AESGCM(state.digest())
