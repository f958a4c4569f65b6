"""Listeners to a list of groups, straight at a gateway's ASGI application."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message

_LIST = "subscription { groupsChanged { id group { id name } } }"
Judge = Callable[[Any], None]
"""Takes each change at the moment at which it is sent."""


async def listen(app: ASGIApp, token: str, judge: Judge) -> None:
    """Follow the list of all groups as an event stream, until it ends or this is cancelled."""
    headers = {
        "host": "gateway.test",
        "content-type": "application/json",
        "accept": "text/event-stream",
        "authorization": f"Bearer {token}",
    }
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    body = json.dumps({"query": _LIST}).encode()
    messages: list[Message] = [{"type": "http.request", "body": body}]

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop()

    async def send(message: Message) -> None:
        for line in message.get("body", b"").splitlines():
            if line.startswith(b"data: {"):
                answer = json.loads(line.removeprefix(b"data: "))
                if "errors" not in answer:
                    judge(answer["data"]["groupsChanged"])

    await app(scope, receive, send)
