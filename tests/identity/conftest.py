"""A gateway that knows its callers: issuer, token endpoint and upstream behind real sockets."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

import maven
from conftest import Sandbox
from frontdoor import Gateway, opened
from group_gateway.app import create_app
from group_gateway.config import Settings
from identity.issuer import AUDIENCE, ISSUER, Issuer
from identity.served import served

collect_ignore = [] if maven.works() else ["test_keycloak.py"]


@dataclass
class Clock:
    """The time at which the test began, and what it adds to that: a slow machine adds nothing."""

    began: float = field(default_factory=time.time)
    ahead: float = 0.0

    def __call__(self) -> float:
        """Return the time in seconds since the epoch."""
        return self.began + self.ahead


@pytest.fixture
def clock() -> Clock:
    """Return the clock that tokens and cache entries expire by."""
    return Clock()


@pytest.fixture
async def issuer() -> Issuer:
    """Return the issuer of the callers' tokens."""
    return Issuer()


@pytest.fixture
async def issuer_url(issuer: Issuer) -> AsyncIterator[str]:
    """Yield the base URL of the issuer's server."""
    async with served(issuer.app()) as url:
        yield url


@pytest.fixture
async def upstream_url(sandbox: Sandbox) -> AsyncIterator[str]:
    """Yield the base URL of the sandbox's server."""
    async with served(sandbox.app) as url:
        yield url


@pytest.fixture
async def open_gateway(upstream_url: str, clock: Clock) -> AsyncIterator[Callable[..., Any]]:
    """Yield a function that starts a gateway with some settings."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Gateway:
            app = create_app(Settings(upstream_url=upstream_url, **settings), clock=clock)
            return await stack.enter_async_context(opened(app))

        yield start


@pytest.fixture
def service(upstream_url: str) -> dict[str, str]:
    """Return the settings of a service account at the sandbox."""
    return {
        "service_client_id": "sandbox",
        "service_client_secret": "sandbox-secret",
        "service_token_url": f"{upstream_url}/auth/token/",
    }


@pytest.fixture
def by_token(issuer_url: str) -> dict[str, Any]:
    """Return the settings by which callers are known by their JWT."""
    return {
        "callers": "jwt",
        "jwt_issuer": ISSUER,
        "jwt_audience": AUDIENCE,
        "jwt_keys_url": f"{issuer_url}/keys",
        "jwt_leeway": 0.0,
    }


@pytest.fixture
async def gateway(
    open_gateway: Callable[..., Any], by_token: dict[str, Any], service: dict[str, str]
) -> Gateway:
    """Return a gateway that knows its callers by their JWT and has a service account."""
    made: Gateway = await open_gateway(**by_token, **service)
    return made
