"""The body of a request, as it arrives by ASGI. Used by `endpoint`."""

from typing import Any

from starlette.types import Receive

from group_gateway.errors import RequestCode
from group_gateway.web.wire import RequestRefused


async def whole_body(receive: Receive, length: str | None, limit: int) -> bytes:
    """Give a body of at most `limit` bytes; raises RequestRefused for a longer one.

    `length` is the Content-Length; what that says to be too long is not waited for.
    """
    if length is not None and length.isdecimal() and int(length) > limit:
        raise _too_large(limit)
    message = await receive()
    if not message.get("more_body", False):
        return _part(message, 0, limit)
    parts, size = [_part(message, 0, limit)], 0
    while message.get("more_body", False):
        message = await receive()
        size += len(parts[-1])
        parts.append(_part(message, size, limit))
    return b"".join(parts)


def _part(message: Any, size: int, limit: int) -> bytes:
    if message["type"] == "http.disconnect":
        raise RequestRefused("The client went away.")
    body: bytes = message.get("body", b"")
    if size + len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> RequestRefused:
    message = f"A body has at most {limit} bytes."
    return RequestRefused(message, 413, RequestCode.BODY_TOO_LARGE)
