"""Two gateways that share a Redis."""

from collections.abc import Callable
from typing import Any

import pytest

from conftest import Sandbox
from frontdoor import Gateway

Pair = Callable[..., Any]


@pytest.fixture
async def pair(make_gateway: Callable[..., Any], sandbox: Sandbox) -> Pair:
    """Return a function that runs two gateways on an address."""
    sandbox.use(etag=True)

    async def run(url: str, **settings: Any) -> list[Gateway]:
        known = {"cache_url": url, "secret": "a secret of the tests", "cache_timeout": 0.5}
        return [await make_gateway(**{**known, **settings}) for _ in range(2)]

    return run
