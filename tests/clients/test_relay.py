"""Relay: compiled by relay-compiler, run by relay-runtime, shown by react-relay in a browser."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from cli.commands import serving
from clients.building import compile_relay, work_in
from clients.pages import served
from graphiql.browser import Page, chromium, tab
from group_gateway.sandbox.wellknown import TEAM_ID, TEST_GROUP_ID
from nodejs import run_node

RECIPE = (Path(__file__).parents[2] / "docs" / "relay.md").read_text()


def compiled(packages: Path, folder: Path) -> Path:
    """Compile the app in a folder."""
    work_in(folder, packages, *(packages / "relay").iterdir())
    compile_relay(packages, folder)
    return folder


def test_relay_runtime(packages: Path, url: str, tmp_path: Path) -> None:
    """A Relay app's fragments compile against the schema, and its artifacts do what they say."""
    compiled(packages, tmp_path)
    run_node(packages / "relay" / "relay.test.mjs", url, str(tmp_path / "__generated__"))


def test_compiles_against_a_supergraph(packages: Path, tmp_path: Path) -> None:
    """Where composition has dropped `@fetchable`, the recipe's extension puts it back."""
    work_in(tmp_path, packages, packages / "relay" / "app.js")
    schema = tmp_path / "schema.graphql"
    schema.write_text(
        re.sub(r"(?m)^directive @fetchable.*$| @fetchable\(.*?\)", "", schema.read_text())
    )
    (tmp_path / "extensions").mkdir()
    [extension] = re.findall(r"```graphql\n(directive @fetchable.*?)```", RECIPE, re.DOTALL)
    (tmp_path / "extensions" / "fetchable.graphql").write_text(extension)
    config = {"src": ".", "schema": "schema.graphql", "language": "javascript"}
    config |= {"schemaExtensions": ["./extensions"]}
    (tmp_path / "relay.config.json").write_text(json.dumps(config))
    compile_relay(packages, tmp_path)
    assert (tmp_path / "__generated__" / "appMembersQuery.graphql.js").exists()


@pytest.fixture
def site(packages: Path, tmp_path: Path) -> Iterator[str]:
    """Build the React app and serve it."""
    folder = compiled(packages, tmp_path)
    run_node(folder / "bundle.mjs", cwd=folder)
    with served(folder / "dist") as origin:
        yield origin


@pytest.fixture
async def page(site: str) -> AsyncIterator[Page]:
    """Open the app in a browser, on a sandbox whose people are in more than one group."""
    with serving("sandbox", "--port", "0", cors_origins=site) as gateway, chromium() as browser:
        async with tab(browser) as opened:
            asked = {"url": f"{gateway.url}/graphql", "group": TEST_GROUP_ID, "team": TEAM_ID}
            await opened.open(f"{site}/?{urlencode(asked)}")
            yield opened
            assert opened.complaints == []


async def page_through(page: Page, name: str) -> list[str]:
    """Press More in a list until there is no more; return what it shows."""
    await page.until(f"document.querySelectorAll('#{name} li').length")
    while await page.evaluate(f"!!document.querySelector('#{name} button')"):
        rows = f"document.querySelectorAll('#{name} li').length"
        before = await page.evaluate(rows)
        await page.click(f"#{name} button")
        await page.until(f"{rows} > {before}")
    shown: list[str] = await page.evaluate(
        f"[...document.querySelectorAll('#{name} li')].map((row) => row.innerText)"
    )
    return shown


async def test_pages_in_an_app(page: Page) -> None:
    """Members of a group, and groups of a patient and of a practitioner, page by page to the end.

    The pages after the first come by `fetch__Group`, `fetch__Patient` and `fetch__Practitioner`.
    """
    assert len(set(await page_through(page, "members"))) == 3
    assert await page_through(page, "patient") == ["Test Group"] * 2
    teams = await page_through(page, "practitioner")
    assert len(teams) > 1
    roots = [request["postData"] for request in page.requests if "postData" in request]
    for name in ("fetch__Group", "fetch__Patient", "fetch__Practitioner"):
        assert any(name in root for root in roots)


async def test_records_are_unique_by_type(page: Page) -> None:
    """With the recipe's `getDataID` the store keeps people and groups apart, whatever their ids."""
    await page.until("document.querySelectorAll('#practitioner li').length")
    ids = await page.evaluate("Object.keys(window.records())")
    assert f"Group:{TEST_GROUP_ID}" in ids
    assert {id.partition(":")[0] for id in ids} >= {"Group", "Patient", "Practitioner"}
