"""`group-gateway schema`: print the federated schema, check a file, or compare with a release."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from graphql import GraphQLError

from group_gateway import __version__
from group_gateway.cli.flags import DOTENV
from group_gateway.cli.schema_changes import changes, may_break, version_of
from group_gateway.config import PREFIX, read_one
from group_gateway.schema.federated_schema import print_sdl
from group_gateway.server.command_failure import CommandFailed


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "schema",
        help="print the schema (SDL, Federation 2)",
        description="Prints the schema, to be composed as a subgraph, or compares it with a file."
        f" It depends on one setting, {PREFIX}RESOLVE_MEMBERS.",
    )
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--check", metavar="FILE", type=Path, help="fail unless FILE is equal")
    either.add_argument(
        "--compare",
        metavar="FILE",
        type=Path,
        help="list breaking changes since a schema; fail if the version does not allow them",
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print, check or compare; raises CommandFailed or SettingsError."""
    members = read_one("resolve_members", os.environ, dotenv=DOTENV)
    sdl = print_sdl(with_people=members == "upstream")
    if chosen.check is not None:
        _check(chosen.check, sdl)
    elif chosen.compare is not None:
        _compare(chosen.compare, sdl)
    else:
        sys.stdout.write(sdl)
    return 0


def _check(file: Path, sdl: str) -> None:
    if not file.is_file() or file.read_text() != sdl:
        raise CommandFailed(f"{file} is not the schema; run `group-gateway schema > {file}`.")


def _compare(file: Path, sdl: str) -> None:
    """Print each breaking and dangerous change since the schema that the file holds.

    Breaking changes are an error. If the file begins with its version, as that of a release does,
    they are one only where the versions do not allow them.
    """
    try:
        released = file.read_text()
        found = changes(released, sdl)
    except (OSError, UnicodeDecodeError, GraphQLError, TypeError):
        raise CommandFailed(f"{file} is no schema that can be read.") from None
    for change in found:
        sys.stdout.write(f"{change.severity}: {change.text}\n")
    if not any(change.is_breaking for change in found):
        return
    version = version_of(released)
    if version is None:
        raise CommandFailed(f"the schema breaks what works with {file}.")
    if not may_break(version, __version__):
        raise CommandFailed(f"the schema breaks what worked with {version}; so must the version.")
