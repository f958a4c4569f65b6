"""Apollo Client, urql, Relay and graphql-codegen: each reads, pages, writes, meets errors.

What they are to find stands in their scripts here, as tests of Node's own runner.
"""

import shutil
from pathlib import Path

from nodejs import run_node

SCHEMA = Path(__file__).parents[2] / "schema.graphql"


def work_in(folder: Path, packages: Path, *files: Path) -> None:
    """Put files and the installed packages into a folder, for tools that write beside them."""
    for file in (*files, SCHEMA):
        shutil.copy(file, folder)
    (folder / "node_modules").symlink_to(packages / "node_modules")


def test_apollo_client(packages: Path, url: str) -> None:
    """Apollo Client normalises groups by id, joins pages, and sees codes and conflicts."""
    run_node(packages / "apollo.test.mjs", url)


def test_urql(packages: Path, url: str) -> None:
    """The document cache of urql is emptied by writes; it sees codes and conflicts."""
    run_node(packages / "urql.test.mjs", url)


def test_relay(packages: Path, url: str, tmp_path: Path) -> None:
    """A Relay app's fragments compile against the schema, and its artifacts do what they say."""
    work_in(tmp_path, packages, *(packages / "relay").iterdir())
    run_node(packages / "node_modules/relay-compiler/cli.js", "relay.config.json", cwd=tmp_path)
    run_node(packages / "relay" / "relay.test.mjs", url, str(tmp_path / "__generated__"))


def test_generated_types(packages: Path, url: str, tmp_path: Path) -> None:
    """What graphql-codegen makes of schema and operations compiles strictly, and is right."""
    files = (packages / "codegen").iterdir()
    work_in(tmp_path, packages, *files, packages / "operations.graphql")
    tools = packages / "node_modules"
    generator = tools / "@graphql-codegen/cli/esm/bin.js"
    run_node(generator, "--config", "codegen.mjs", cwd=tmp_path)
    run_node(tools / "typescript/bin/tsc", "--project", ".", cwd=tmp_path)
    run_node(tmp_path / "app.mts", url)
