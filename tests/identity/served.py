"""Serves ASGI applications on real sockets, in the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from group_gateway.server.uvicorn_server import CompanionServer


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Serve an application within the block, and return its base URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_level="critical", lifespan="off", date_header=False)
        server = CompanionServer(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        # The socket listens already: whoever connects before the server has started waits for it.
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = server.force_exit = True
        await serving
