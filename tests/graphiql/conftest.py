"""Fixtures: the sandbox as a person starts it, and a browser tab that has GraphiQL open."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from frontdoor import MODE
from graphiql.browser import Page, chromium, tab
from processes import running


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run `group-gateway sandbox` and return the address of GraphiQL that the command prints."""
    command = [sys.executable, "-m", "group_gateway", "sandbox", "--port", "0"]
    nowhere = tmp_path_factory.mktemp("nowhere")  # where no .env file lies
    env = os.environ | MODE
    with running(command, cwd=nowhere, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = process.stdout.readline()
        address = re.match(r"GraphiQL is at (http://127\.0\.0\.1:\d+/graphql)", told)
        assert address, told
        yield address[1]


@pytest.fixture(scope="session")
def browser() -> Iterator[str]:
    """Run one browser for all tests."""
    with chromium() as browser:
        yield browser


@pytest.fixture
async def open_page(address: str, browser: str) -> AsyncIterator[Page]:
    """Open GraphiQL in a tab of its own."""
    async with tab(browser) as page:
        await page.open(address)
        await page.sees("query ReadGroup", ".graphiql-query-editor")
        yield page


@pytest.fixture
def page(address: str, open_page: Page) -> Iterator[Page]:
    """Open GraphiQL; at the end check that it called only the gateway, and logged no error."""
    yield open_page
    asked = [request["url"] for request in open_page.requests]
    assert [url for url in asked if not url.startswith(address)] == []
    assert open_page.complaints == []
