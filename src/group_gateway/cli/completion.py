"""`group-gateway completion`: a script that completes commands and flags in a shell."""

import argparse
import sys
from functools import partial
from typing import Any

import shtab


def add_command(commands: Any, parser: argparse.ArgumentParser) -> None:
    """Add the command to the parser that it completes."""
    command = commands.add_parser(
        "completion",
        help="print a script that completes commands and flags",
        description="Prints the script for a shell:"
        ' `eval "$(group-gateway completion bash)"` in ~/.bashrc.',
    )
    command.add_argument("shell", choices=shtab.SUPPORTED_SHELLS, help="the shell")
    command.set_defaults(run=partial(run, parser))


def run(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> int:
    """Print the script."""
    sys.stdout.write(shtab.complete(parser, shell=chosen.shell) + "\n")
    return 0
