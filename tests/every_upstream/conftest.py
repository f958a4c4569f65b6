"""The gateway in process, over the network to each of the three upstreams in turn."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from every_upstream.harness import Fhir
from frontdoor import Gateway, opened
from group_gateway.app import create_app
from group_gateway.config import Settings
from upstreams.processes import Upstream


@pytest.fixture
async def make_gateway(upstream: Upstream) -> AsyncIterator[Callable[..., Any]]:
    """Yield a function that starts a gateway on the upstream of this test with some settings."""
    async with AsyncExitStack() as stack:

        async def make(
            *, transport: httpx.AsyncBaseTransport | None = None, **settings: Any
        ) -> Gateway:
            app = create_app(Settings(upstream_url=upstream.url, **settings), transport=transport)
            return await stack.enter_async_context(opened(app))

        yield make


@pytest.fixture
async def gateway(make_gateway: Callable[..., Any]) -> Gateway:
    """Return a gateway that starts knowing nothing of its upstream."""
    made: Gateway = await make_gateway()
    return made


@pytest.fixture
async def fhir(upstream: Upstream) -> AsyncIterator[Fhir]:
    """Yield plain FHIR over HTTP to the upstream, past the gateway."""
    headers = {"authorization": "Bearer sandbox"}
    async with httpx.AsyncClient(base_url=upstream.url, headers=headers, timeout=60) as http:
        yield Fhir(http)
