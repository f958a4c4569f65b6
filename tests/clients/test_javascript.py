"""Apollo Client, urql and graphql-codegen: each reads, pages, writes, meets errors.

What they are to find stands in their scripts here, as tests of Node's own runner.
"""

import re
from pathlib import Path

from cli.commands import ask, serving
from clients.building import compile_types, generate, work_in
from nodejs import run_node

ROOT = Path(__file__).parents[2]
FILES = re.compile(r"^`(\S+)`[.;].*?^```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
RECIPE = (ROOT / "docs" / "react.md").read_text()


def test_apollo_client(packages: Path, url: str) -> None:
    """Apollo Client normalises groups by id, joins pages, and sees codes and conflicts."""
    run_node(packages / "apollo.test.mjs", url)


def test_urql(packages: Path, url: str) -> None:
    """The document cache of urql is emptied by writes; it sees codes and conflicts."""
    run_node(packages / "urql.test.mjs", url)


def test_answers_in_parts(packages: Path) -> None:
    """Apollo Client, urql and meros read answers in parts, the first before the others."""
    with serving("sandbox", "--port", "0", incremental_delivery="true") as server:
        assert server.process.stdout is not None
        upstream = server.process.stdout.readline().split()[-1]
        ask("PUT", f"{upstream}/sandbox/quirks", json={"latency_ms": 100})
        run_node(packages / "parts.test.mjs", f"{server.url}/graphql")


def test_subscriptions(packages: Path, url: str) -> None:
    """graphql-ws, graphql-sse and Apollo Client hear of changes, and see codes and close codes."""
    run_node(packages / "subscriptions.test.mjs", url)


def test_apollo_client_by_hashes(packages: Path, url: str) -> None:
    """Automatic persisted queries: Apollo Client sends a text once, and its hash from then on."""
    run_node(packages / "persisted.test.mjs", url)


def test_generated_types(packages: Path, url: str, tmp_path: Path) -> None:
    """What graphql-codegen makes of schema and operations compiles strictly, and is right."""
    files = (packages / "codegen").iterdir()
    work_in(tmp_path, packages, *files, packages / "operations.graphql")
    generate(packages, tmp_path)
    compile_types(packages, tmp_path)
    run_node(tmp_path / "app.mts", url)


def test_the_react_page_of_the_documentation(packages: Path, url: str, tmp_path: Path) -> None:
    """The recipe's files compile strictly, and show teams, or what is wrong."""
    for name, text in FILES.findall(RECIPE):
        (tmp_path / name).write_text(text)
    work_in(tmp_path, packages, *(packages / "react").iterdir())
    generate(packages, tmp_path)
    compile_types(packages, tmp_path)
    page = run_node(tmp_path / "render.mjs", url, "sandbox")
    assert page.count("<li>") == 8
    assert 'value="Care Team Bay Street 1"' in page
    assert "<button>More</button>" in page
    refused = run_node(tmp_path / "render.mjs", url, "wrong")
    assert refused.startswith('<p role="alert">')
