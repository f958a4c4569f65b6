"""Content codings of request bodies (RFC 9110, section 8.4), decoded within a limit. Pure.

A decoder stops at the limit: a body that inflates to gigabytes costs no more than a large one. A
body that is truncated, or has bytes after its end, is refused.
"""

import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import brotli

from group_gateway.errors import RequestCode
from group_gateway.http.requests import RequestRefused

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_IDENTITY: Final = "identity"
_MOST_CODINGS: Final = 3
_MOST_MEMBERS: Final = 16
"""Members of one gzip or zstd body, each with its own header. One is usual."""
_GZIP: Final = 16 + zlib.MAX_WBITS
_WINDOW_LOG: Final = 23  # RFC 9659: a decoder need not support windows of more than 8 MB


class _TooLarge(Exception):
    """The decoded body exceeds the limit."""


class _Broken(ValueError):
    """The body is not valid in its coding, or truncated."""


def content_codings(header: str | None) -> tuple[str, ...]:
    """Return the codings of a body in the order in which they were applied.

    `header` is the Content-Encoding. Raises RequestRefused for an unknown coding and names the
    supported ones.
    """
    if header is None:
        return ()
    named = [part.strip().lower() for part in header.split(",")]
    codings = tuple(name for name in named if name not in {"", _IDENTITY})
    for name in codings:
        if name not in _DECODERS:
            shown = "".join(c if c.isalnum() or c in "-_." else "?" for c in name[:32])
            raise _unsupported(f"The content coding {shown} is not supported here.")
    if len(codings) > _MOST_CODINGS:
        raise _unsupported(f"A body has at most {_MOST_CODINGS} content codings.")
    return codings


def decoded(body: bytes, codings: tuple[str, ...], limit: int) -> bytes:
    """Return a body without its codings; raise RequestRefused beyond the limit, or if invalid."""
    for name in reversed(codings):
        try:
            body = _DECODERS[name](body, limit)
        except _TooLarge:
            message = f"A body has at most {limit} bytes, also when it is decoded."
            raise RequestRefused(message, 413, RequestCode.BODY_TOO_LARGE) from None
        except (_Broken, zlib.error, brotli.error, zstd.ZstdError):
            raise RequestRefused(f"The body is not {name}, or not all of it came.") from None
    return body


def _unsupported(message: str) -> RequestRefused:
    refused = RequestRefused(message, 415, RequestCode.UNSUPPORTED_MEDIA_TYPE)
    refused.headers = ((b"accept-encoding", ", ".join(_OFFERED).encode()),)
    return refused


def _gunzip(body: bytes, limit: int) -> bytes:
    return _members(body, limit, lambda: zlib.decompressobj(_GZIP))


def _unzstd(body: bytes, limit: int) -> bytes:
    options = {int(zstd.DecompressionParameter.window_log_max): _WINDOW_LOG}
    return _members(body, limit, lambda: zstd.ZstdDecompressor(options=options))


def _inflate(body: bytes, limit: int) -> bytes:
    """Decode `deflate` in zlib's format, or raw, as some clients send it."""
    has_header = (
        len(body) > 1 and body[0] & 15 == zlib.DEFLATED and not (body[0] << 8 | body[1]) % 31
    )
    bits = zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
    return _members(body, limit, lambda: zlib.decompressobj(bits), most=1)


def _members(body: bytes, limit: int, make: Callable[[], Any], most: int = _MOST_MEMBERS) -> bytes:
    """Decode a body of several members through the interface of zlib's and zstd's decoders."""
    out = bytearray()
    for _ in range(most):
        decoder = make()
        out += decoder.decompress(body, limit - len(out) + 1)
        if len(out) > limit:
            raise _TooLarge
        if not decoder.eof:
            raise _Broken
        body = decoder.unused_data
        if not body:
            return bytes(out)
    raise _Broken


def _unbrotli(body: bytes, limit: int) -> bytes:
    decoder, out = brotli.Decompressor(), bytearray()
    while not decoder.is_finished():
        piece = decoder.process(body, output_buffer_limit=limit - len(out) + 1)
        body, out = b"", out + piece
        if len(out) > limit:
            raise _TooLarge
        if not piece and not decoder.is_finished():
            raise _Broken
    return bytes(out)


_OFFERED: Final = ("zstd", "br", "gzip", "deflate")
_DECODERS: Final[Mapping[str, Callable[[bytes, int], bytes]]] = {
    "zstd": _unzstd,
    "br": _unbrotli,
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
}
