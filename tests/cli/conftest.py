"""Fixtures of the command's tests."""

import asyncio
import signal
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest

from cli.examining import Examine
from cli.failing import Failing
from cli.on_a_socket import Served
from group_gateway.app import connection_limits, create_app
from group_gateway.config import Settings
from group_gateway.http.gateway_app import GatewayApp
from group_gateway.server.listening import listen
from group_gateway.server.uvicorn_server import CompanionServer, config


@pytest.fixture
def examine(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Examine:
    """Return the doctor."""
    monkeypatch.chdir(tmp_path_factory.mktemp("nowhere"))
    return Examine(capsys, monkeypatch)


@pytest.fixture
def failing(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Failing:
    """Return what runs a command that must fail."""
    monkeypatch.chdir(tmp_path_factory.mktemp("nowhere"))
    return Failing(capsys, monkeypatch)


@pytest.fixture
def settings() -> dict[str, Any]:
    """Return the gateway's settings."""
    return {}


@pytest.fixture
async def served(
    sandbox: Any, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    """Serve a gateway on the sandbox over TCP."""
    known = Settings(upstream_url="http://upstream.test", cache_ttl=600, **settings)
    app = create_app(known, transport=httpx.ASGITransport(app=sandbox.app))
    with listen("127.0.0.1", 0) as sock:
        running = Served(f"http://127.0.0.1:{sock.getsockname()[1]}")
        ordinary = GatewayApp.__call__

        async def counted(self: GatewayApp, scope: Any, receive: Any, send: Any) -> None:
            running.applied += scope["type"] == "http"
            await ordinary(self, scope, receive, send)

        held = GatewayApp.answer

        def counted_held(self: GatewayApp, head: Any, body: bytes) -> Any:
            answer = held(self, head, body)
            running.applied += not isinstance(answer, dict)
            return answer

        monkeypatch.setattr(GatewayApp, "__call__", counted)
        monkeypatch.setattr(GatewayApp, "answer", counted_held)
        server = CompanionServer(config(app, connection_limits(known)))
        task = asyncio.create_task(server.serve(sockets=[sock]))
        running.stop = partial(server.handle_exit, signal.SIGTERM, None)
        yield running
        running.stop()
        await task
