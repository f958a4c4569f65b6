"""The documentation says what is so: its examples run, its tables name what there is."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from group_gateway import __version__, errors
from group_gateway.cli import main
from group_gateway.config import PREFIX, SECRETS, SETTINGS, Settings
from group_gateway.execution.document_limits import DocumentLimits
from group_gateway.execution.incremental import MOST_PARTS
from group_gateway.groups.reading.group_reads import MOST_IDS
from group_gateway.groups.reading.pagination import PAGE_SIZE
from group_gateway.groups.reading.relay_connection import LARGEST_PAGE
from group_gateway.groups.reading.search import SCAN_PAGES
from group_gateway.groups.writing.input_validation import MOST_MEMBERS
from group_gateway.groups.writing.writes import LONGEST_QUEUE
from group_gateway.http.subscriptions.graphql_websocket import INIT_SECONDS
from group_gateway.http.subscriptions.socket_operations import MOST_AT_ONCE
from group_gateway.schema.member_fields import LARGEST_PAGE as LARGEST_MEMBER_PAGE
from group_gateway.server.http_protocol import ConnectionLimits
from group_gateway.server.websocket_protocol import MOST_FRAMES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
BLOCKS = [(match[1], match[2]) for match in BLOCK.finditer(README)]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / ".github" / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def shell(word: str) -> str:
    """Give the README's only shell block with this word."""
    [block] = [text for language, text in BLOCKS if language == "sh" and word in text]
    return block


def table(head: str) -> list[list[str]]:
    """Give the cells of the README's table whose first column is called so, row by row."""
    lines = README.split(f"| {head} |", maxsplit=1)[1].split("\n\n", maxsplit=1)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


async def test_every_query_of_the_tour(gateway: Any) -> None:
    """Every query of the tour, asked in its order, gets the answer that stands below it."""
    tour = [block for block in BLOCKS if block[0] in {"graphql", "json"}]
    assert len(tour) >= 12
    for (asking, query), (pipeline, answer) in zip(tour[::2], tour[1::2], strict=True):
        assert (asking, pipeline) == ("graphql", "json")
        assert await gateway(query) == json.loads(answer)


async def test_curl_of_the_tour(gateway: Any) -> None:
    """The tour's curl command is a request that the gateway answers."""
    words = shlex.split(shell("curl http://127"))
    flags = list(zip(words[2::2], words[3::2], strict=True))
    headers = dict(value.split(": ") for flag, value in flags if flag == "-H")
    [body] = [value for flag, value in flags if flag == "-d"]
    response = await gateway.http.post("/graphql", content=body, headers=headers)
    assert response.json()["data"]["groups"]["nodes"]


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


def test_settings_table() -> None:
    """The table of settings has every setting, its default and what it is for."""
    defaults = Settings()
    assert table("Variable") == [
        [f"`{PREFIX}{name.upper()}`", written(getattr(defaults, name)), purpose]
        for name, purpose in SETTINGS.items()
    ]


def written(default: object) -> str:
    """Write a default as somebody would set it."""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return (
        f"`{default:g}`" if isinstance(default, float) else f"`{default}`" if default != "" else ""
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_settings_that_the_text_names(document: Path) -> None:
    """Every setting that the documentation names is one."""
    names = re.findall(rf"{PREFIX}([A-Z_]+)", document.read_text())
    files = {f"{name}_file" for name in SECRETS}
    assert {name.lower() for name in names} <= SETTINGS.keys() | files


def test_error_codes() -> None:
    """The table of errors has every code that the gateway gives, and no other."""
    assert {row[0].strip("`") for row in table("Code")} == error_codes()


def error_codes() -> set[str]:
    """Give all codes."""
    classes = [errors.GatewayError, *descendants(errors.GatewayError)]
    return {kind.code for kind in classes} | set(errors.RequestCode)


def descendants(kind: type[errors.GatewayError]) -> Iterator[type[errors.GatewayError]]:
    """Give all kinds of an error."""
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


def test_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """The table of commands has each command, and flags that it has."""
    rows = {row[0].strip("`").split()[1]: row[1] for row in table("Command")}
    with pytest.raises(SystemExit):
        main(["--help"])
    told = re.findall(r"^    ([a-z]+)\b", capsys.readouterr().out, re.MULTILINE)
    assert sorted(rows) == sorted(told)
    for command, text in rows.items():
        with pytest.raises(SystemExit):
            main([command, "--help"])
        help_text = capsys.readouterr().out
        assert all(flag in help_text for flag in re.findall(r"--[\w-]+", text))


def amount(told: str) -> int:
    """Read a number with its unit."""
    digits, *unit = told.removeprefix("some ").split()
    return int(digits.replace(",", "")) * {"KiB": 1024, "MiB": 1024**2}.get("".join(unit), 1)


def test_limits() -> None:
    """The table of limits is of what the code holds to, with codes that there are."""
    rows = {row[0]: row[1:] for row in table("What one may have")}
    for told, setting, _ in rows.values():
        if setting:
            assert amount(told) == getattr(Settings(), setting.strip("`").lower()), setting
    fixed = {name: amount(told) for name, (told, setting, _) in rows.items() if not setting}
    assert fixed == {
        "Bytes of a request's headers, and of what is around a body in chunks": (
            ConnectionLimits().header_bytes
        ),
        "Levels of a body's JSON": 1000,  # about: the interpreter's own bound
        "Characters of a document": DocumentLimits().characters,
        "Parts of an answer (`@defer`, `@stream`)": MOST_PARTS,
        "Ids in a filter, groups on a page": MOST_IDS,
        "Members in a group, on a page of members": MOST_MEMBERS,
        "Changes of one group that wait": LONGEST_QUEUE,
        "Operations of a WebSocket at once": MOST_AT_ONCE,
        "Pings and fragments of a WebSocket in a second": MOST_FRAMES,
        "Seconds until a WebSocket says who it is": INIT_SECONDS,
    }
    assert (LARGEST_PAGE, LARGEST_MEMBER_PAGE) == (MOST_IDS, MOST_MEMBERS)
    refused = {code for *_, codes in rows.values() for code in re.findall(r"`(\w+)`", codes)}
    assert refused <= error_codes()
    assert f"the first {PAGE_SIZE * SCAN_PAGES:,} groups" in " ".join(README.split())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links(document: Path) -> None:
    """Every link to a file leads to one."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_changelog() -> None:
    """The changelog begins with the package's version, or with what is not released yet."""
    headings = re.findall(r"^## \[([^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] in {"Unreleased", __version__}
    assert headings[1:] == sorted(headings[1:], reverse=True)
