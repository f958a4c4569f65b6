"""Real clients against a real `group-gateway sandbox`, a new one for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.commands import serving
from nodejs import install_packages

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def packages() -> Path:
    """Install the clients of JavaScript, and return their folder."""
    install_packages(HERE)
    return HERE


@pytest.fixture
def url() -> Iterator[str]:
    """Yield the address of a gateway of this test's own, with the default settings."""
    with serving("sandbox", "--port", "0") as server:
        yield f"{server.url}/graphql"
