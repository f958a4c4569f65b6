"""Builds of front ends: graphql-codegen, tsc, relay-compiler, Apollo's lists; each in a folder."""

import shutil
from pathlib import Path

from nodejs import run_node

SCHEMA = Path(__file__).parents[2] / "schema.graphql"


def work_in(folder: Path, packages: Path, *files: Path) -> None:
    """Put files and the installed packages into a folder, for tools that write beside them."""
    for file in (*files, SCHEMA):
        shutil.copy(file, folder)
    (folder / "node_modules").symlink_to(packages / "node_modules")


def generate(packages: Path, folder: Path) -> None:
    """Run graphql-codegen by the folder's configuration."""
    cli = packages / "node_modules/@graphql-codegen/cli/esm/bin.js"
    run_node(cli, "--config", "codegen.mjs", cwd=folder)


def compile_types(packages: Path, folder: Path) -> None:
    """Run tsc by the folder's configuration."""
    run_node(packages / "node_modules/typescript/bin/tsc", "--project", ".", cwd=folder)


def compile_relay(packages: Path, folder: Path) -> None:
    """Run relay-compiler by the folder's configuration."""
    run_node(packages / "node_modules/relay-compiler/cli.js", "relay.config.json", cwd=folder)


def list_for_apollo(packages: Path, folder: Path) -> None:
    """Run Apollo's tool that lists the documents of the folder's `src`."""
    run_node(packages / "node_modules/@apollo/generate-persisted-query-manifest/cli.js", cwd=folder)
