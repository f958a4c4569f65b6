"""Gateways on real sockets, in the test's own event loop, over the sandbox in process."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest
import uvicorn

from conftest import Sandbox
from group_gateway.app import connection_limits, create_app
from group_gateway.config import Settings
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from group_gateway.server.fast_path import FastPathProtocol
from group_gateway.server.repeated_heads import RepeatedHeads
from group_gateway.server.uvicorn_server import GracefulServer
from group_gateway.server.websocket_protocol import BoundedWebSocketProtocol
from identity.issuer import Issuer
from subscriptions.listening import PATIENCE, Server


class QuietServer(GracefulServer):
    """The command's server, which leaves signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def serving(settings: Settings, network: httpx.AsyncBaseTransport) -> AsyncIterator[Server]:
    """Serve a gateway as the command does, but for its logs."""
    app = create_app(settings, transport=network)
    limits = connection_limits(settings)
    sockets: Any = partial(BoundedWebSocketProtocol, seconds=limits.seconds)
    config = uvicorn.Config(
        app,
        http=partial(FastPathProtocol, limits=limits, heads=RepeatedHeads()),  # type: ignore[arg-type]
        ws=sockets if limits.message_bytes else "none",
        ws_max_size=limits.message_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # these pings would end a silent connection too, after a while
        log_config=None,
        log_level="error",
        timeout_graceful_shutdown=PATIENCE,
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)  # whoever is slow shows
        server = QuietServer(config)
        task = asyncio.create_task(server.serve(sockets=[listener.dup()]))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as http:
            yield Server(url, http, stop=partial(setattr, server, "should_exit", True))  # noqa: FBT003
        server.should_exit = True
        await task


class Network(httpx.AsyncBaseTransport):
    """The way from the gateway to applications, by their host names."""

    def __init__(self, **hosts: Any) -> None:
        self._hosts = {
            f"{name}.test": httpx.ASGITransport(app=host) for name, host in hosts.items()
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Forward a request."""
        return await self._hosts[request.url.host].handle_async_request(request)


@pytest.fixture
def issuer() -> Issuer:
    """Return the issuer of the callers' tokens."""
    return Issuer()


@pytest.fixture
async def serve(sandbox: Sandbox, issuer: Issuer) -> AsyncIterator[Callable[..., Any]]:
    """Yield a function that serves a gateway with some settings; it polls once an hour."""
    network = Network(upstream=sandbox.app, issuer=issuer.app())
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Server:
            known = {"subscriptions": True, "subscription_interval": 3600.0, **settings}
            made = Settings(upstream_url="http://upstream.test", cache_timeout=10, **known)
            return await stack.enter_async_context(serving(made, network))

        yield start


@pytest.fixture
async def server(serve: Callable[..., Any]) -> Server:
    """Return a gateway that learns of nothing but its own writes."""
    made: Server = await serve()
    return made


@pytest.fixture
async def elsewhere(sandbox: Sandbox) -> AsyncIterator[Callable[..., Any]]:
    """Yield a function that renames a group around the gateway."""
    transport = httpx.ASGITransport(app=sandbox.app)
    headers = {"authorization": "Bearer sandbox"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://upstream.test", headers=headers
    ) as upstream:

        async def rename(name: str, group: str = TEST_GROUP_ID) -> None:
            read = (await upstream.get(f"/Group/{group}")).json()
            written = await upstream.put(f"/Group/{group}", json={**read, "name": name})
            assert written.status_code == 200, written.text

        yield rename
