"""A gateway as a process, a fault proxy, and a sandbox upstream as another process."""

from collections.abc import AsyncIterator

import pytest_asyncio

from chaos.running import Chaos, running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chaos() -> AsyncIterator[Chaos]:
    """Yield a running gateway whose upstream can be made to fail."""
    async with running() as made:
        yield made
        assert made.gateway.end().status == 0  # nothing was left that would not end
