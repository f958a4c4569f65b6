"""Listeners to a list of groups, straight at a gateway's ASGI application."""

import json
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message

from frontdoor import exchange

_LIST = "subscription { groupsChanged { id group { id name } } }"
Judge = Callable[[Any], None]
"""Takes each change at the moment at which it is sent."""


async def listen(app: ASGIApp, token: str, judge: Judge) -> None:
    """Follow the list of all groups as an event stream, until it ends or this is cancelled."""
    body = json.dumps({"query": _LIST}).encode()

    async def send(message: Message) -> None:
        for line in message.get("body", b"").splitlines():
            if line.startswith(b"data: {"):
                answer = json.loads(line.removeprefix(b"data: "))
                if "errors" not in answer:
                    judge(answer["data"]["groupsChanged"])

    await exchange(app, body, token, send, accept="text/event-stream")
