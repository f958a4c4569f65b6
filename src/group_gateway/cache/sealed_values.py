"""Signatures and encryption of values that leave the process.

Without them, anybody who can write to the shared store could pass one caller's entry to another. A
value is accepted only in the slot that it was sealed for; anything else counts as absent. A
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
_VERSION = 3
"""Version of the format of entries and of the values in them. One in another version is absent."""
_PERSON = b"cache entry %d" % _VERSION
_CIPHER_PERSON = b"hidden entry %d" % _VERSION


class ValueSigner:
    """Sign and verify values under a key of the gateway.

    Values of another `format` need keys of their own, so that releases which share a store during
    an upgrade don't replace each other's.
    """

    format = f"{_VERSION}"

    def __init__(self, keys: DigestKeys) -> None:
        self._key = keys.digest("seal").encode()

    def close(self, place: str, value: bytes) -> bytes:
        """Return a value, signed for a slot."""
        return self._mark(place, value) + value

    def open(self, place: str, sealed: bytes) -> bytes | None:
        """Return the value; None if it was not signed for this slot."""
        mark, value = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
        return value if hmac.compare_digest(mark, self._mark(place, value)) else None

    def _mark(self, place: str, value: bytes) -> bytes:
        state = hashlib.blake2b(key=self._key, digest_size=_SEAL_BYTES, person=_PERSON)
        state.update(f"{place}\n".encode())
        state.update(value)
        return state.digest()


class ValueEncryptor(ValueSigner):
    """Encrypt values by AES-GCM, which also detects changes.

    Each slot has its own key, so that random nonces can't repeat under one key.
    """

    format = f"{_VERSION}e"

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
        state = hashlib.blake2b(key=self._key, digest_size=32, person=_CIPHER_PERSON)
        state.update(f"{place}".encode())
        return AESGCM(state.digest())
