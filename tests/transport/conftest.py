"""What the tests of the transport need: both event loops that the gateway runs on, and a client."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import uvloop

from group_gateway.upstream.transport.httpx_transport import UpstreamTransport


def pytest_asyncio_loop_factories(
    config: pytest.Config,  # noqa: ARG001 - the hook's signature
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the transport's tests on asyncio's own loop and on uvloop: they differ under failure."""
    if item.path.name.startswith("test_transport"):
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture
async def make_client() -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    """Yield a function that makes an httpx client on a transport with some bounds."""
    async with AsyncExitStack() as stack:

        def make(*, timeout: Any = 5.0, **bounds: Any) -> httpx.AsyncClient:
            transport = UpstreamTransport(**bounds)
            client = httpx.AsyncClient(transport=transport, timeout=timeout, trust_env=False)
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
def client(make_client: Callable[..., httpx.AsyncClient]) -> httpx.AsyncClient:
    """Return an httpx client on a transport with the default bounds."""
    return make_client()
