"""Gateways with incremental delivery, on a real socket, over an upstream that a test can delay."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from conftest import Sandbox
from frontdoor import opened
from group_gateway.app import create_app
from group_gateway.config import Settings
from identity.served import served
from incremental.multipart import Client

PATIENCE = 60


@dataclass
class Gate(httpx.AsyncBaseTransport):
    """The way to the upstream, where calls can be held up. `waiting` is set once one is."""

    upstream: httpx.AsyncBaseTransport
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    _held: list[tuple[str, asyncio.Event]] = field(default_factory=list)

    def hold(self, pattern: str) -> asyncio.Event:
        """Delay requests whose `path?query` fits a pattern, until the event is set."""
        self._held.append((pattern, asyncio.Event()))
        return self._held[-1][1]

    def open(self) -> None:
        """Release all delayed requests."""
        for _, event in self._held:
            event.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Forward a request, now or later."""
        for pattern, event in self._held:
            if re.search(pattern, request.url.raw_path.decode()):
                self.waiting.set()
                await event.wait()
        return await self.upstream.handle_async_request(request)


@pytest.fixture
def gate(sandbox: Sandbox) -> Gate:
    """Return the way to the sandbox."""
    return Gate(httpx.ASGITransport(app=sandbox.app))


@pytest.fixture
async def make_client(gate: Gate) -> AsyncIterator[Callable[..., Any]]:
    """Yield a function that starts a gateway with some settings, and a client of it."""
    async with AsyncExitStack() as stack:

        async def make(**settings: Any) -> Client:
            known = {"incremental_delivery": True, "cache_timeout": 10, **settings}
            app = create_app(Settings(upstream_url="http://upstream.test", **known), transport=gate)
            await stack.enter_async_context(opened(app))
            url = await stack.enter_async_context(served(app))
            http = httpx.AsyncClient(base_url=url, timeout=PATIENCE)
            return Client(await stack.enter_async_context(http), app)

        yield make


@pytest.fixture
async def client(make_client: Callable[..., Any]) -> Client:
    """Return a client of a gateway that answers in parts."""
    made: Client = await make_client()
    return made
