"""The front door for tests: the gateway in process, over the sandbox in process."""

import faulthandler
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import hypothesis
import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from starlette.applications import Starlette

from frontdoor import Gateway, opened
from group_gateway.app import create_app
from group_gateway.config import Settings
from group_gateway.sandbox import SandboxOptions
from group_gateway.sandbox import create_app as create_sandbox
from group_gateway.sandbox.quirks import Quirks

pytest_plugins = ["upstreams.plugin"]

# A slow machine is no failure.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """Watch the rest of a test that failed: pytest, for the sake of debuggers, stops doing so."""
    config = node.config
    seconds = float(config.getini("faulthandler_timeout"))
    leaves = config.getini("faulthandler_exit_on_timeout")
    told = config.stash[fault_handler_stderr_fd_key]
    faulthandler.dump_traceback_later(seconds, file=told, exit=leaves)


@dataclass
class Sandbox:
    """The sandbox upstream in process: what reached it, and how it misbehaves."""

    app: Starlette

    @property
    def calls(self) -> list[str]:
        """What reached it, as `GET /Group/1?a=b`, without the CapabilityStatement."""
        return [
            f"{entry.method} {entry.path}" + (f"?{entry.query}" if entry.query else "")
            for entry in self.app.state.sandbox.requests.entries
            if entry.path != "/metadata"
        ]

    def forget_calls(self) -> None:
        """Start counting anew."""
        self.app.state.sandbox.requests.clear()

    def use(self, **quirks: Any) -> None:
        """Make it misbehave."""
        self.app.state.sandbox.use(Quirks(**quirks))


@pytest.fixture
def sandbox() -> Any:
    """Yield a sandbox upstream with its seed."""
    app = create_sandbox(SandboxOptions())
    yield Sandbox(app)
    app.state.sandbox.close()


@pytest.fixture
async def make_gateway(sandbox: Sandbox) -> AsyncIterator[Callable[..., Any]]:
    """Yield a function that starts a gateway on the sandbox with some settings."""
    async with AsyncExitStack() as stack:

        async def make(**settings: Any) -> Gateway:
            known = {"upstream_url": "http://upstream.test", "cache_timeout": 10, **settings}
            app = create_app(Settings(**known), transport=httpx.ASGITransport(app=sandbox.app))
            return await stack.enter_async_context(opened(app))

        yield make


@pytest.fixture
async def gateway(make_gateway: Callable[..., Any]) -> Gateway:
    """Return a gateway on the sandbox with the default settings."""
    made: Gateway = await make_gateway()
    return made
