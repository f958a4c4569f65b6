"""Apollo Client, urql and graphql-codegen: each reads, pages, writes, meets errors.

What they are to find stands in their scripts here, as tests of Node's own runner.
"""

from pathlib import Path

from cli.commands import ask, serving
from clients.building import compile_types, generate, work_in
from nodejs import run_node

LATENCY = 1500
"""Milliseconds that the upstream takes: more than a busy machine stands still. Apollo Client shows
parts that come together as one."""


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
        ask("PUT", f"{upstream}/sandbox/quirks", json={"latency_ms": LATENCY})
        run_node(packages / "parts.test.mjs", f"{server.url}/graphql")


def test_subscriptions(packages: Path, url: str) -> None:
    """graphql-ws, graphql-sse and Apollo Client receive changes, error codes and close codes."""
    run_node(packages / "subscriptions.test.mjs", url)


def test_subscriptions_without_room(packages: Path) -> None:
    """graphql-ws and graphql-sse try again, as they do by themselves, until there is room."""
    with serving("sandbox", "--port", "0", subscriptions_open="1") as server:
        run_node(packages / "full.test.mjs", f"{server.url}/graphql")


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
