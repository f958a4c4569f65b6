"""examples/react: built, type-checked, and used in a browser, beside others who change groups."""

import json
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from cli.commands import ask, serving
from clients.pages import served
from graphiql.browser import Page, chromium, tab
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from nodejs import install_packages, run_node

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "react"
GUIDE = (ROOT / "docs" / "react.md").read_text()
QUOTED = re.compile(r"^`(\S+)`[.;:].*?^```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ROW = f"#group-{TEST_GROUP_ID}"
NAME = f'{ROW} [aria-label="Name"]'
OTHER = "Patient/16a0895781ed4b15add239d4d1331524"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the app as `npm run build` does, and serve it."""
    install_packages(EXAMPLE)
    folder = tmp_path_factory.mktemp("examples") / "a" / "react"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", "dist", "gql"))
    shutil.copy(ROOT / "schema.graphql", folder.parents[1])
    modules = EXAMPLE / "node_modules"
    (folder / "node_modules").symlink_to(modules)
    run_node(modules / "@graphql-codegen/cli/esm/bin.js", "--config", "codegen.mjs", cwd=folder)
    run_node(modules / "typescript/bin/tsc", "--project", ".", cwd=folder)
    run_node(modules / "vite/bin/vite.js", "build", "--logLevel", "error", cwd=folder)
    with served(folder / "dist") as origin:
        yield origin


@dataclass
class App:
    """The app in a browser tab, and the gateway that it asks."""

    page: Page
    url: str
    upstream: str

    def colleague(self, field: str, **wanted: Any) -> None:
        """Change the test group through the gateway, as another user does."""
        kind = field[0].upper() + field[1:]
        mutation = (
            f"mutation ($input: {kind}Input!) {{ {field}(input: $input) {{ issues {{ code }} }} }}"
        )
        headers = {"authorization": "Bearer sandbox"}
        body = {"query": mutation, "variables": {"input": wanted}}
        answer = ask("POST", self.url, json=body, headers=headers)
        assert answer.json()["data"][field]["issues"] == []

    async def value(self, value: str) -> None:
        """Wait until the name field of the test group shows a value."""
        await self.page.until(f"document.querySelector({json.dumps(NAME)})?.value === '{value}'")


@pytest.fixture
async def app(site: str) -> AsyncIterator[App]:
    """Open the app on a sandbox of this test's own."""
    with serving("sandbox", "--port", "0", cors_origins=site) as gateway, chromium() as browser:
        assert gateway.process.stdout is not None
        upstream = gateway.process.stdout.readline().split()[-1]
        async with tab(browser) as page:
            url = f"{gateway.url}/graphql"
            await page.open(f"{site}/?{urlencode({'url': url})}")
            await page.until(f"!!document.querySelector({json.dumps(NAME)})")
            yield App(page, url, upstream)


async def test_sixty_rows_and_more(app: App) -> None:
    """A page has 60 rows, More brings further ones, and all of them follow one subscription."""
    rows = "document.querySelectorAll('main > ul > li').length"
    assert await app.page.evaluate(rows) == 60
    await app.page.click("main > button")
    await app.page.until(f"{rows} > 60")
    metrics = ask("GET", f"{app.url.removesuffix('/graphql')}/metrics").text
    assert re.search(r"^group_gateway_watched_lists(\{.*\})? 1(\.0)?$", metrics, re.MULTILINE)


async def test_search_while_typing(app: App) -> None:
    """The list holds the groups whose names contain the text, whatever its case."""
    await app.page.write("kidney", 'input[type="search"]')
    names = "[...document.querySelectorAll('[aria-label=Name]')].map((each) => each.value)"
    await app.page.until(f"{names}.length && {names}.every((name) => /kidney/i.test(name))")


async def test_typing_is_never_wiped(app: App) -> None:
    """An event shows what a colleague did beside the field, and leaves what is typed there."""
    await app.page.write("What I type", NAME)
    app.colleague("updateGroup", id=TEST_GROUP_ID, name="By a colleague")
    await app.page.sees("Somebody changed it meanwhile: “By a colleague”.", ROW)
    await app.value("What I type")
    await app.page.click(f"{ROW} form > button")
    await app.page.until(f"!!document.querySelector('{ROW} [data-code=conflict]')")
    await app.value("What I type")
    await app.page.click(f"{ROW} [role=status] button")
    await app.page.until(f"!document.querySelector('{ROW} [role=status]')")
    await app.value("What I type")


async def test_changes_arrive(app: App) -> None:
    """A row that is not being edited shows a colleague's change."""
    app.colleague("updateGroup", id=TEST_GROUP_ID, name="Changed elsewhere")
    await app.value("Changed elsewhere")


async def test_members_are_added_and_removed_at_once(app: App) -> None:
    """The list shows the change before the server has answered, and what it says then."""
    await app.page.click(f"{ROW} [aria-expanded]")
    members = f"document.querySelectorAll('{ROW} > ul > li').length"
    await app.page.until(f"{members} === 3")
    ask("PUT", f"{app.upstream}/sandbox/quirks", json={"latency_ms": 700})
    await app.page.write(OTHER, f'{ROW} [aria-label="Member"]')
    await app.page.click(f"{ROW} ul + form > button")
    await app.page.until(f"{members} === 4")
    await app.page.sees("4 members", ROW)
    ask("DELETE", f"{app.upstream}/sandbox/quirks")
    await app.page.click(f'{ROW} [aria-label="Remove {OTHER}"]')
    await app.page.until(f"{members} === 3")
    await app.page.write("Practitioner/1", f'{ROW} [aria-label="Member"]')
    await app.page.click(f"{ROW} ul + form > button")
    await app.page.until(f"!!document.querySelector('{ROW} [data-code=business-rule]')")
    await app.page.until(f"{members} === 3")


@pytest.mark.parametrize(("name", "text"), QUOTED.findall(GUIDE), ids=lambda part: part[:20])
def test_the_page_quotes_the_app(name: str, text: str) -> None:
    """The files on the page are the app's."""
    assert (EXAMPLE / name).read_text() == text


def test_the_page_quotes_every_file() -> None:
    """No file of the app's source is left out."""
    quoted = {name for name, _ in QUOTED.findall(GUIDE)}
    assert quoted >= {f"src/{file.name}" for file in (EXAMPLE / "src").iterdir() if file.is_file()}
