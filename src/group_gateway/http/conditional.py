"""Conditional GETs: entity tags and 304 (RFC 9110, section 13).

A browser may store a response for its own caller. It revalidates the response before each use.
"""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from msgspec.structs import replace

from group_gateway.http.compression import Compression
from group_gateway.http.responses import Reply

_REPLACED: Final = frozenset({b"cache-control"})


async def revalidated(
    reply: Reply, headers: Mapping[bytes, str], compression: Compression
) -> Reply:
    """Return the response to a GET in a coding that the client accepts, or 304."""
    coding = compression.coding(headers.get(b"accept-encoding"), reply)
    etag = entity_tag(reply, coding) if reply.is_complete else None
    if etag is not None and matches(etag, headers.get(b"if-none-match")):
        return not_modified(reply, etag)
    if coding is not None:
        reply = await compression.encoded(reply, coding)
    return reply if etag is None else tagged(reply, etag)


def entity_tag(reply: Reply, coding: str | None) -> bytes:
    """Return the entity tag of a response. Each coding has its own tag, since its bytes differ."""
    kind = dict(reply.headers)[b"content-type"]
    digest = hashlib.blake2b(kind + reply.body, digest_size=16).hexdigest()
    return f'"{digest}-{coding}"'.encode() if coding else f'"{digest}"'.encode()


def matches(etag: bytes, if_none_match: str | None) -> bool:
    """Return whether the client has this response. A proxy that recodes it makes its tag weak."""
    known = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return bool({etag.decode(), "*"} & known)


def tagged(reply: Reply, etag: bytes) -> Reply:
    """Return a response with an entity tag, which its client may store."""
    headers = [each for each in reply.headers if each[0] not in _REPLACED]
    headers += [(b"cache-control", b"private, no-cache"), (b"etag", etag)]
    return replace(reply, headers=headers)


def not_modified(reply: Reply, etag: bytes) -> Reply:
    """Return 304."""
    headers = [each for each in tagged(reply, etag).headers if each[0] != b"content-length"]
    return Reply(HTTPStatus.NOT_MODIFIED, headers, b"")
