"""GraphiQL shows the parts of an answer as they come."""

from collections.abc import AsyncIterator, Iterator

import pytest

from cli.commands import Server, ask, serving
from graphiql.browser import CONTROL, Page, tab
from graphiql.test_page import EDITOR, RESULT
from group_gateway.sandbox.wellknown import TEST_GROUP_ID

QUERY = f"""{{ group(id: "{TEST_GROUP_ID}") {{ name
  ... @defer {{ nested: member {{ entity {{ resource {{ ... on Patient {{
    groups {{ nodes {{ name }} }} }} }} }} }} }} }} }}"""


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a sandbox whose gateway answers in parts."""
    with serving("sandbox", "--port", "0", incremental_delivery="true") as server:
        yield server


@pytest.fixture
async def page(server: Server, browser: str) -> AsyncIterator[Page]:
    """Open its GraphiQL."""
    async with tab(browser) as page:
        await page.open(f"{server.url}/graphql")
        await page.sees("query ReadGroup", EDITOR)
        yield page
        assert page.complaints == []


async def test_parts_are_shown(server: Server, page: Page) -> None:
    """The first part is on the page while the upstream holds the second back; then both are."""
    assert server.process.stdout is not None
    upstream = server.process.stdout.readline().split()[-1]
    slow = {"kind": "slow_drip", "pattern": "patient=", "delay_ms": 5000, "chunk_bytes": 1_000_000}
    ask("PUT", f"{upstream}/sandbox/quirks", json={"faults": [slow]})
    await page.write(QUERY, EDITOR)
    await page.press("Enter", CONTROL)
    await page.sees('"name": "Test Group"', RESULT)
    assert "nodes" not in await page.evaluate(f"document.querySelector('{RESULT}').innerText")
    await page.sees('"nodes"', RESULT)
