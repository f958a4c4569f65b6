"""GraphiQL shows one of the gateway's two interfaces, and leads to the other."""

from collections.abc import AsyncIterator

import pytest

from cli.commands import serving
from graphiql.browser import Page, tab
from graphiql.test_page import DOCS, EDITOR, RESULT, RUN

SCHEMA = "header select"


@pytest.fixture
async def page(address: str, browser: str) -> AsyncIterator[Page]:
    """Open GraphiQL on HL7's interface; at the end check that it called only the gateway."""
    async with tab(browser) as page:
        await page.open(f"{address}?schema=fhir")
        await page.sees("query ReadTeam", EDITOR)
        yield page
        gateway = address.removesuffix("graphql")
        asked = [request["url"] for request in page.requests]
        assert [url for url in asked if not url.startswith(gateway)] == []
        assert page.complaints == []


def posted(page: Page) -> str:
    """Return where the last operation was sent."""
    return [request["url"] for request in page.requests if request["method"] == "POST"][-1]


async def choose(page: Page, name: str) -> None:
    """Choose an interface, as the browser's own list does."""
    await page.evaluate(
        f"""(() => {{
            const field = document.querySelector("{SCHEMA}");
            field.value = "{name}";
            field.dispatchEvent(new Event("change", {{ bubbles: true }}));
        }})()"""
    )


async def test_runs_an_example_of_hl7s_interface(page: Page, address: str) -> None:
    """The first example follows references, at HL7's address."""
    await page.click(RUN)
    await page.sees('"family"', RESULT)
    assert posted(page) == f"{address.removesuffix('graphql')}fhir/$graphql"


async def test_explains_hl7s_schema(page: Page) -> None:
    """The docs show HL7's roots, and the siblings of primitives."""
    await page.click('[aria-label="Show Documentation Explorer"]')
    await page.sees("Mutation", DOCS)
    await page.click(f"{DOCS}-type-name")
    await page.sees("PractitionerRole(", DOCS)
    await page.write('{ Group(id: "x") { _name { id } grup } }', EDITOR)
    await page.until(
        f"document.querySelector('{EDITOR} .CodeMirror-lint-mark-error')?.innerText === 'grup'"
    )


async def test_switches_and_keeps_what_was_typed(page: Page, address: str) -> None:
    """Each interface has its own examples and tabs, which survive a look at the other."""
    await page.write("{ mine: __typename }", EDITOR)
    await page.until("sessionStorage.getItem('fhir/graphiql:tabState')?.includes('mine')")
    await choose(page, "graphql")
    await page.sees("query ReadGroup", EDITOR)
    await page.click(RUN)
    await page.sees("responsibilities", RESULT)
    assert posted(page) == address
    await choose(page, "fhir")
    await page.sees("mine", EDITOR)
    assert await page.evaluate(f"document.querySelector('{SCHEMA}').value") == "fhir"


async def test_offers_nothing_that_is_off(browser: str) -> None:
    """Without HL7's interface there is nothing to choose, whatever the address says."""
    with serving("sandbox", "--port", "0", fhir_graphql="false") as server:
        async with tab(browser) as page:
            await page.open(f"{server.url}/graphql?schema=fhir")
            await page.sees("query ReadGroup", EDITOR)
            assert await page.evaluate(f"document.querySelector('{SCHEMA}')") is None
