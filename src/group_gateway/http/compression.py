"""Compressed responses: choose the coding, and compress each response once.

Compression beside secrets is safe here. The BREACH attack needs credentials that a browser adds by
itself, and the gateway accepts none of those.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

import brotli
from isal import isal_zlib
from msgspec.structs import replace

from group_gateway.http.negotiation import qualities
from group_gateway.http.responses import Reply
from group_gateway.single_flight import SingleFlight

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEAST_BYTES: Final = 1024
"""Smaller bodies are not compressed: they fit a packet as they are."""
_AT_ONCE: Final = 128 * 1024
"""Bodies up to this size compress in less than a millisecond. Larger ones go to a thread."""
_GZIP: Final = 31
_GZIP_LEVEL, _ZSTD_LEVEL, _BROTLI_QUALITY = 2, 1, 3


def _gzip(body: bytes) -> bytes:
    coder = isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, _GZIP)
    return coder.compress(body) + coder.flush()


def _zstd(body: bytes) -> bytes:
    return zstd.compress(body, _ZSTD_LEVEL)


def _brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, quality=_BROTLI_QUALITY))


_CODERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "gzip": _gzip,
    "br": _brotli,
    "zstd": _zstd,
}
"""The earlier is preferred. gzip takes the least time, for bodies about a tenth larger, and every
client that names it decodes it. zstd is last because some clients name it and can't decode it:
`@whatwg-node/fetch` on Node.js before 22.15, which GraphQL tools read schemas with."""


@dataclass(frozen=True, slots=True)
class AcceptedCoding:
    """The content coding that a client prefers. With `always` it accepts no response without."""

    name: str
    always: bool = False


@lru_cache(64)
def accepted_coding(accept_encoding: str | None) -> AcceptedCoding | None:
    """Choose by quality, then by the gateway's order; return None for none (RFC 9110, 12.5.3).

    A client that excludes every coding, `identity` too, gets an uncompressed response.
    """
    if not accept_encoding:
        return None
    weights = qualities(accept_encoding)
    if "x-gzip" in weights:
        weights.setdefault("gzip", weights["x-gzip"])
    others = weights.get("*")
    identity = weights.get("identity", 0.0 if others == 0.0 else None)
    offers = {name: weights.get(name, others or 0.0) for name in _CODERS}
    best = max(offers, key=offers.__getitem__)
    if offers[best] <= 0 or (identity is not None and identity > offers[best]):
        return None
    return AcceptedCoding(best, always=identity == 0.0)


class Compression:
    """Compress each response at most once per coding, large ones in threads."""

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._threads: SingleFlight[tuple[int, str], Reply] = SingleFlight()

    def coding(self, accept_encoding: str | None, reply: Reply) -> str | None:
        """Return the coding for a response, or None for an uncompressed response."""
        size = len(reply.body)
        if not self._enabled or not size or reply.delivery is not None:
            return None
        accepted = accepted_coding(accept_encoding)
        if accepted is None or (size < LEAST_BYTES and not accepted.always):
            return None
        return accepted.name

    def encoded_now(self, reply: Reply, coding: str) -> Reply | None:
        """Return the response in this coding, or None if compressing would take too long here."""
        variant = reply.variants.get(coding)
        if variant is None and len(reply.body) <= _AT_ONCE:
            variant = reply.variants[coding] = _encoded(reply, coding)
        return variant

    async def encoded(self, reply: Reply, coding: str) -> Reply:
        """Return the response in this coding. Concurrent requests for it share one thread."""
        variant = self.encoded_now(reply, coding)
        if variant is None:
            work = partial(asyncio.to_thread, _encoded, reply, coding)
            variant = reply.variants[coding] = await self._threads.run((id(reply), coding), work)
        return variant


def _encoded(reply: Reply, coding: str) -> Reply:
    body = _CODERS[coding](reply.body)
    headers = [(name, value) for name, value in reply.headers if name != b"content-length"]
    headers.append((b"content-encoding", coding.encode()))
    headers.append((b"content-length", b"%d" % len(body)))
    return replace(reply, headers=headers, body=body, variants={})
