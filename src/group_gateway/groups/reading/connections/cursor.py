"""Cursors (Relay cursor connections): opaque, versioned, signed.

A cursor holds a position only. Its signature covers the search that it belongs to, so it is
invalid for any other search, and clients can't forge one to send their own text upstream.
"""

import base64
import binascii
import hmac
from typing import Any

import msgspec

from group_gateway.digests import DigestKeys
from group_gateway.errors import BadUserInput

_VERSION = "1"
_SIGNATURE = 16
_HEAD = len(_VERSION) + _SIGNATURE
_decoder = msgspec.json.Decoder(list[Any])


class Cursors:
    """Encode and decode the cursors of one search.

    `search` is any text that is equal for equal searches only.
    """

    def __init__(self, keys: DigestKeys, search: str) -> None:
        self._keys = keys
        self._search = search

    def encode(self, position: list[Any]) -> str:
        """Return the cursor of a position (JSON values)."""
        payload = msgspec.json.encode(position).decode()
        text = f"{_VERSION}{self._sign(payload)}{payload}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def decode(self, cursor: str) -> list[Any]:
        """Return the position of a cursor; raise BadUserInput for any other text."""
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        except (binascii.Error, UnicodeError):
            raise BadUserInput("The cursor was not issued by this gateway.") from None
        version, signature, payload = text[:1], text[1:_HEAD], text[_HEAD:]
        signed = hmac.compare_digest(signature.encode(), self._sign(payload).encode())
        if version != _VERSION or not signed:
            raise BadUserInput("The cursor belongs to another query, or is not a cursor.")
        return _decoder.decode(payload)

    def _sign(self, payload: str) -> str:
        return self._keys.digest("cursor", _VERSION, self._search, payload)[:_SIGNATURE]
