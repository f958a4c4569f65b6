"""GraphiQL in a real browser, as a person uses it.

Each test that takes `page` also says, by that fixture, that no other host was asked and that the
browser had no complaint: no violation of the policy, no error in the console.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import httpx

from graphiql.browser import ALT, CONTROL, Page
from group_gateway.sandbox.wellknown import TEAM_ID

EDITOR = ".graphiql-query-editor .CodeMirror"
VARIABLES = 'section[aria-label="Variables"] .graphiql-editor:not(.hidden) .CodeMirror'
HEADERS = 'section[aria-label="Headers"] .graphiql-editor:not(.hidden) .CodeMirror'
DOCS = ".graphiql-doc-explorer"
RESULT = ".graphiql-response"
RUN = ".graphiql-execute-button"
TOKEN = "header input"

SEED_GROUP = "33104aa7-e3ae-4650-bdac-04bfae8365bc"
A_NAME = '"display": "'
OTHER_PATIENT = "Patient/16a0895781ed4b15add239d4d1331524"


def last_authorization(page: Page) -> str | None:
    """Return the Authorization header of the operation that was sent last."""
    headers = [request["headers"] for request in page.requests if request["method"] == "POST"][-1]
    return {name.lower(): headers[name] for name in headers}.get("authorization")


async def open_tab(page: Page, title: str) -> None:
    """Switch to the example with this title."""
    await page.click(f'button[title="{title}"]')
    await page.sees(title, EDITOR)


async def test_opens_with_an_example_that_runs(page: Page) -> None:
    """The first example answers at the first click, with names, by the sandbox's token."""
    await page.sees("query ReadGroup", EDITOR)
    await page.sees(TEAM_ID, VARIABLES)
    await page.click(RUN)
    await page.sees(A_NAME, RESULT)
    assert '"display": null' not in await page.evaluate(
        f"document.querySelector('{RESULT}').innerText"
    )
    assert last_authorization(page) == "Bearer sandbox"


async def test_runs_what_was_typed(page: Page) -> None:
    """A query of one's own runs with Ctrl-Enter, and its result appears."""
    await page.write(f'{{ mine: group(id: "{SEED_GROUP}") {{ name }} }}', EDITOR)
    await page.press("Enter", CONTROL)
    await page.sees('"mine"', RESULT)
    await page.sees("Test Group", RESULT)


async def test_explains_the_schema(page: Page) -> None:
    """The docs open from the side bar and lead from the query type to its fields."""
    await page.click('[aria-label="Show Documentation Explorer"]')
    await page.sees("GroupConnection", DOCS)
    await page.click(f"{DOCS}-type-name")
    await page.sees("groups(", DOCS)
    docs = await page.evaluate(f"document.querySelector('{DOCS}').innerText")
    assert not re.search(r"\b_\w|@key|shareable", docs)


async def test_shows_no_plumbing_of_federation(page: Page) -> None:
    """The documentation explorer omits types for routers; queries of them still work."""
    await page.click('[aria-label="Show Documentation Explorer"]')
    await page.sees("GroupConnection", DOCS)
    docs = await page.evaluate(f"document.querySelector('{DOCS}').innerText")
    assert not re.search(r"_Any|_Entity|_Service|_FieldSet|link__", docs)
    await page.write('{ __type(name: "_Service") { name } _service { sdl } }', EDITOR)
    await page.press("Enter", CONTROL)
    await page.sees("@key", RESULT)


async def test_runs_a_mutation(page: Page) -> None:
    """The example of a mutation creates a group."""
    await open_tab(page, "CreateGroup")
    await page.click(RUN)
    await page.sees("createGroup", RESULT)
    await page.sees("Spring check-ups", RESULT)


async def test_shows_changes_as_they_happen(page: Page, address: str) -> None:
    """The example of a subscription shows one change after the other, until it is stopped."""
    await open_tab(page, "WatchGroup")
    await page.click(RUN)
    async with changing(address):
        shown = f"document.querySelector('{RESULT}').innerText"
        await page.until(f"{shown}.includes('groupChanged')")
        before = await page.evaluate(shown)
        await page.until(f"{shown} !== {json.dumps(before)}")
    await page.click(RUN)
    await page.until(f"document.querySelector('{RUN}').ariaLabel.startsWith('Execute')")


@asynccontextmanager
async def changing(address: str) -> AsyncIterator[None]:
    """Change the group of the examples over and over, in what no other test looks at."""
    mutation = """mutation ($id: ID!, $trait: String!) { updateGroup(input: { id: $id,
        characteristic: [{ code: { text: $trait }, valueBoolean: true }] }) { issues { code } } }"""

    async def change() -> None:
        headers = {"authorization": "Bearer sandbox"}
        async with httpx.AsyncClient(timeout=60, headers=headers) as http:
            for number in count():
                variables = {"id": SEED_GROUP, "trait": f"Trait {number}"}
                await http.post(address, json={"query": mutation, "variables": variables})

    task = asyncio.create_task(change())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_adds_a_member_to_the_group_as_it_was_read(page: Page) -> None:
    """The example with two operations: read the version, put it into the variables, write."""
    await open_tab(page, "AddMember")
    await page.click(RUN)
    await page.click('[role="menuitem"]:last-child')
    await page.sees('"group":', RESULT)
    result = await page.evaluate(f"document.querySelector('{RESULT}').innerText")
    version = re.search('"version": "(.*?)"', result)
    assert version
    variables = {"id": SEED_GROUP, "reference": OTHER_PATIENT, "ifVersion": version[1]}
    await page.write(json.dumps(variables), VARIABLES)
    await page.click(RUN)
    await page.click('[role="menuitem"]:first-child')
    await page.sees("addGroupMembers", RESULT)
    await page.sees('"issues": []', RESULT)


async def test_sends_the_token_of_the_field(page: Page) -> None:
    """The token field changes the header that is sent, from every tab."""
    await page.write("sandbox-read", TOKEN)
    await page.click(RUN)
    await page.sees(A_NAME, RESULT)
    assert last_authorization(page) == "Bearer sandbox-read"
    await open_tab(page, "GroupsOfPatient")
    await page.click(RUN)
    await page.sees("responsibilities", RESULT)
    assert last_authorization(page) == "Bearer sandbox-read"


async def test_shows_the_token_in_the_headers_editor(page: Page) -> None:
    """Field and headers editor show the same token, whichever of them is edited."""
    await page.click('[data-name="headers"]')
    await page.sees('"Authorization": "Bearer sandbox"', HEADERS)
    await page.write("sandbox-other", TOKEN)
    await page.sees('"Authorization": "Bearer sandbox-other"', HEADERS)
    await page.write('{"X-Mine": "1", "authorization": "Bearer sandbox-read"}', HEADERS)
    await page.until(f"document.querySelector('{TOKEN}').value === 'sandbox-read'")


async def test_forgets_everything_with_the_tab(page: Page) -> None:
    """What was typed survives a reload, and nothing of it is in storage that outlives the tab."""
    await page.write("{ mine: __typename }", EDITOR)
    await page.write("a-secret", TOKEN)
    await page.until("sessionStorage.getItem('graphiql:tabState')?.includes('mine')")
    await page.until("Object.values(sessionStorage).some((kept) => kept.includes('a-secret'))")
    await page.reload()
    await page.sees("mine", EDITOR)
    await page.until(f"document.querySelector('{TOKEN}')?.value === 'a-secret'")
    assert await page.evaluate("localStorage.length") == 0


async def test_its_dialogs_keep_the_policy(page: Page) -> None:
    """Settings, search and jump-to-line work without inline styles."""
    await page.click('[aria-label="Open settings dialog"]')
    await page.sees("Clear storage", ".graphiql-dialog")
    await page.press("Escape")
    await page.until("!document.querySelector('.graphiql-dialog')")
    await page.click(EDITOR)
    await page.press("f", CONTROL)
    await page.sees("Search:", EDITOR)
    await page.press("Escape")
    await page.click(EDITOR)
    await page.press("g", ALT)
    await page.sees("Jump to line:", EDITOR)


async def test_marks_errors_while_one_types(page: Page) -> None:
    """A field that the schema does not have is underlined."""
    await page.write("{ grup }", EDITOR)
    await page.until(f"!!document.querySelector('{EDITOR} .CodeMirror-lint-mark-error')")


async def test_fits_a_phone(page: Page) -> None:
    """On a phone the editor, the result and the docs each have most of the screen's width."""
    await page.resize(390, 844)
    await page.click(RUN)
    await page.sees(A_NAME, RESULT)
    for part in (".graphiql-query-editor", RESULT):
        assert await page.evaluate(f"document.querySelector('{part}').clientWidth") > 280
    await page.click('[aria-label="Show Documentation Explorer"]')
    await page.sees("GroupConnection", DOCS)
    assert await page.evaluate(f"document.querySelector('{DOCS}').clientWidth") > 280


async def test_the_browser_obeys_the_policy(open_page: Page) -> None:
    """Another host, an inline script and an inline style are refused, and these tests notice."""
    await open_page.evaluate("fetch('http://localhost:1').catch(() => null)")
    await open_page.complains("connect-src 'self'")
    await open_page.evaluate(
        """document.body.insertAdjacentHTML(
            "beforeend", "<b style='color: red'>0</b><img src='data:,' onerror='alert()'>"
        )"""
    )
    await open_page.complains("style-src 'self'")
    await open_page.complains("script-src 'self'")
