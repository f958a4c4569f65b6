"""Injected faults: the layer between `edge.py` and the routes.

`fault_queue.py` chooses the rule for a request; this module applies it.
"""

import asyncio
import secrets
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from group_gateway.sandbox.layers.edge import CONTROL_PATH
from group_gateway.sandbox.layers.fault_responses import pieces, replacement
from group_gateway.sandbox.quirks import FaultRule, Quirks
from group_gateway.sandbox.state import Sandbox


class Faults:
    """Delay every response as the quirks say, and apply fault rules."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or apply the first matching rule."""
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PATH):
            await self._app(scope, receive, send)
            return
        await _delay(self._sandbox.quirks)
        query = scope["query_string"].decode("latin-1")
        rule = self._sandbox.faults.take(scope["method"], scope["path"], query)
        if rule is None:
            await self._app(scope, receive, send)
        elif rule.kind in {"reset", "slow_drip", "truncated"}:
            await _spoil(rule, await self._real(scope, receive), send)
        else:
            if rule.after:
                await self._real(scope, receive)
            await _replace(rule, receive, send)

    async def _real(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """Execute a request and withhold the response."""
        start: Message = {}
        body = bytearray()

        async def keep(message: Message) -> None:
            start.update(message if message["type"] == "http.response.start" else {})
            body.extend(message.get("body", b""))

        await self._app(scope, receive, keep)
        return start, bytes(body)


async def _delay(quirks: Quirks) -> None:
    wait_ms = quirks.latency_ms + secrets.randbelow(quirks.jitter_ms + 1)
    if wait_ms:
        await asyncio.sleep(wait_ms / 1000)


async def _replace(rule: FaultRule, receive: Receive, send: Send) -> None:
    if rule.kind == "hang":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    answer = replacement(rule)
    headers = [
        (name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await _send_body(answer.body, send)


async def _spoil(rule: FaultRule, real: tuple[Message, bytes], send: Send) -> None:
    start, body = real
    half = body[: len(body) // 2]
    if rule.kind == "truncated":
        await send({**start, "headers": _with_length(start, len(half))})
        await _send_body([half], send)
    elif rule.kind == "slow_drip":
        await send(start)
        await _send_body(pieces(body, rule.chunk_bytes), send, rule.delay_ms / 1000)
    else:
        await send(start)
        await send({"type": "http.response.body", "body": half, "more_body": True})
        # A server drops the connection when an app dies in the middle of an answer.
        raise ConnectionResetError("the sandbox was asked to drop this connection")


async def _send_body(parts: Iterable[bytes], send: Send, wait_s: float = 0) -> None:
    for part in parts:
        await asyncio.sleep(wait_s)
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _with_length(start: Message, length: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    return [*kept, (b"content-length", b"%d" % length)]
