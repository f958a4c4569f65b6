"""`group-gateway schema`: print the federated schema, or check a file against it."""

import argparse
import sys
from pathlib import Path
from typing import Any

from group_gateway.schema.build import print_sdl


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("schema", help="print the schema (SDL, Federation 2)")
    parser.add_argument("--check", metavar="FILE", type=Path, help="fail unless FILE is equal")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print, or check: exit status 1 when the file is missing or differs."""
    sdl = print_sdl()
    if chosen.check is None:
        sys.stdout.write(sdl)
        return 0
    if chosen.check.is_file() and chosen.check.read_text() == sdl:
        return 0
    sys.stderr.write(
        f"group-gateway: {chosen.check} is not the schema;"
        f" run `group-gateway schema > {chosen.check}`.\n"
    )
    return 1
