"""The body of a request, read from ASGI."""

from collections.abc import Mapping
from typing import Any

from starlette.types import Receive

from group_gateway.errors import Overloaded, RequestCode
from group_gateway.http.content_coding import content_codings, decoded
from group_gateway.http.requests import RequestRefused
from group_gateway.memory_budget import FREE, BudgetedBytes, MemoryBudget


async def decoded_body(
    receive: Receive, headers: Mapping[bytes, str], limit: int, budget: MemoryBudget
) -> bytes:
    """Return a body without its content codings; raise RequestRefused.

    Both the received and the decoded body have at most `limit` bytes.
    """
    codings = content_codings(headers.get(b"content-encoding"))
    body = await whole_body(receive, headers.get(b"content-length"), limit, budget)
    if not codings:
        return body
    body = decoded(body, codings, limit)
    taken = len(body) - FREE
    if taken <= 0:
        return body
    if not budget.take(taken):
        raise _no_room()
    return BudgetedBytes.of(body, budget, taken)


async def whole_body(
    receive: Receive, length: str | None, limit: int, budget: MemoryBudget
) -> bytes:
    """Return a body of at most `limit` bytes that fits the memory budget; raise RequestRefused.

    `length` is the Content-Length. If it exceeds the limit, the body is not awaited.
    """
    if length is not None and length.isdecimal() and int(length) > limit:
        raise _too_large(limit)
    message = await receive()
    body = _part(message, 0, limit)
    if not message.get("more_body", False) and len(body) <= FREE:
        return body
    return await _held(receive, message, limit, budget)


async def _held(receive: Receive, message: Any, limit: int, budget: MemoryBudget) -> bytes:
    body, taken = bytearray(), 0
    try:
        while True:
            body += _part(message, len(body), limit)
            needed = len(body) - FREE - taken
            if needed > 0:
                if not budget.take(needed):
                    raise _no_room()
                taken += needed
            if not message.get("more_body", False):
                break
            message = await receive()
        held = BudgetedBytes.of(body, budget, taken) if taken else bytes(body)
        taken = 0
        return held
    finally:
        budget.give_back(taken)


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


def _no_room() -> RequestRefused:
    message = "The gateway has no room for the body at the moment."
    return RequestRefused(message, 503, Overloaded.code, retry_after=1)
