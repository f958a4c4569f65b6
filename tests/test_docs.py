"""The documentation says what is so: its examples run, its tables name what there is."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from group_gateway import __version__
from group_gateway.config import PREFIX, SECRETS, SETTINGS
from group_gateway.groups.reading.connections.relay_connection import LARGEST_PAGE
from group_gateway.groups.reading.group_reads import MOST_IDS
from group_gateway.groups.reading.pages.page_numbers import PAGE_SIZE
from group_gateway.groups.reading.searches.walk_budget import SCAN_PAGES
from group_gateway.groups.writing.input_validation import MOST_MEMBERS
from group_gateway.schema.member_fields import LARGEST_PAGE as LARGEST_MEMBER_PAGE

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / ".github" / "CONTRIBUTING.md",
    ROOT / ".github" / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def blocks(document: str) -> list[tuple[str, str]]:
    """Return the blocks of code of a document, each with its language."""
    return [(match[1], match[2]) for match in BLOCK.finditer((ROOT / document).read_text())]


BLOCKS = blocks("README.md")
_ID = re.compile(r"(?<=/)[0-9a-f-]{20,}")


def shell(document: str, word: str) -> str:
    """Return the only shell block with this word."""
    [block] = [text for language, text in blocks(document) if language == "sh" and word in text]
    return block


@pytest.mark.parametrize(
    ("documents", "least"),
    [
        (["README.md"], 2),
        (["docs/get-started.md"], 6),
        (["README.md", "docs/get-started.md"], 8),
        (["docs/writing.md"], 3),
        (["docs/paging.md"], 2),
    ],
    ids=["readme", "tour", "both", "writing", "paging"],
)
async def test_every_query(gateway: Any, documents: list[str], least: int) -> None:
    """Every query, asked in its order, gets the response that is below it, in the README's too."""
    found = [block for document in documents for block in blocks(document)]
    tour = [block for block in found if block[0] in {"graphql", "json"}]
    assert len(tour) >= 2 * least
    for (asking, query), (answering, answer) in zip(tour[::2], tour[1::2], strict=True):
        assert (asking, answering) == ("graphql", "json")
        assert await gateway(query) == json.loads(answer)


async def test_requests_that_a_server_receives(gateway: Any, sandbox: Any) -> None:
    """The page for owners of FHIR servers names each request that the tour and the writes cause."""
    page = (ROOT / "docs" / "upstream-requests.md").read_text()
    rows = re.findall(r"^\| `([A-Z]+) (/\S+?)`", page, re.MULTILINE)
    named = {(method, path.split("?")[0].replace("<id>", "*")) for method, path in rows}
    for document in ("docs/get-started.md", "docs/writing.md"):
        for language, query in blocks(document):
            if language == "graphql":
                await gateway(query)
    calls = (call.split(" ") for call in sandbox.calls)
    shapes = {(method, _ID.sub("*", path.split("?")[0])) for method, path in calls}
    assert shapes <= named
    assert {("PUT", "/Group/*"), ("POST", "/Group"), ("GET", "/Group")} <= shapes


async def test_curl_of_the_tour(gateway: Any) -> None:
    """The tour's curl command is a request that the gateway answers."""
    words = shlex.split(shell("docs/get-started.md", "curl http://127"))
    flags = list(zip(words[2::2], words[3::2], strict=True))
    headers = dict(value.split(": ") for flag, value in flags if flag == "-H")
    [body] = [value for flag, value in flags if flag == "-d"]
    response = await gateway.http.post("/graphql", content=body, headers=headers)
    assert response.json()["data"]["groups"]["nodes"]


def test_the_readme_is_short() -> None:
    """The README is read in two minutes; everything else has a page."""
    assert len((ROOT / "README.md").read_bytes()) < 7_000


def test_the_start_is_the_readmes() -> None:
    """The tour starts with the very command that the README starts with."""
    assert blocks("docs/get-started.md")[0] == BLOCKS[0]


def test_commands_of_the_start_are_first() -> None:
    """The README begins with the two commands: one to try it, one to test it."""
    (_, start), (_, test) = BLOCKS[:2]
    assert start.strip().endswith("group-gateway sandbox")
    assert ".venv/bin/pytest" in test


def test_ci_installs_as_the_readme_says() -> None:
    """CI installs from the same files as the README's commands."""
    ci = (ROOT / ".ci" / "run").read_text()
    files = set(re.findall(r"-r (\S+)", BLOCKS[0][1] + BLOCKS[1][1]))
    assert files == set(re.findall(r"install .*-r (\S+)", ci))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_settings_that_the_text_names(document: Path) -> None:
    """Every setting that the documentation names is one."""
    names = re.findall(rf"{PREFIX}([A-Z_]+)", document.read_text())
    files = {f"{name}_file" for name in SECRETS}
    assert {name.lower() for name in names} <= SETTINGS.keys() | files


def test_the_bound_of_a_scan() -> None:
    """What is said of searches that the gateway carries out itself is what it does."""
    text = " ".join((ROOT / "docs" / "guarantees.md").read_text().split())
    assert f"filters the first {PAGE_SIZE * SCAN_PAGES:,} groups" in text


def test_largest_pages() -> None:
    """The limits of pages are those of what they hold."""
    assert (LARGEST_PAGE, LARGEST_MEMBER_PAGE) == (MOST_IDS, MOST_MEMBERS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links(document: Path) -> None:
    """Every link to a file leads to one."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_page_is_in_the_navigation() -> None:
    """Each page of the documentation can be found from every other one."""
    named = re.findall(r"([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    docs = ROOT / "docs"
    pages = [str(page.relative_to(docs)) for page in docs.rglob("*.md")]
    assert sorted(named) == sorted([*pages, "changelog.md"])  # .ci/site puts that one there


def test_changelog() -> None:
    """The changelog begins with the package's version, or with what is not released yet."""
    headings = re.findall(r"^## \[([^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] in {"Unreleased", __version__}
    assert headings[1:] == sorted(headings[1:], reverse=True)


def test_modules_that_the_architecture_names() -> None:
    """Every package and module that the architecture page names exists."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    source = ROOT / "src" / "group_gateway"
    names = set(re.findall(r"`([a-z_0-9]+(?:/[a-z_0-9]+)+)`", text)) - {"src/group_gateway"}
    assert len(names) > 40
    assert {name for name in names if not (source / f"{name}.py").is_file()} == {
        name for name in names if (source / name).is_dir()
    }
