"""The `group-gateway` command: sandbox, serve, schema, doctor.

A wrong setting, a busy port, an upstream out of reach: one sentence on stderr and exit status 1;
wrong flags: argparse's sentence and exit status 2.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from group_gateway import __version__
from group_gateway.cli import doctor, sandbox, schema, serve
from group_gateway.config import SettingsError
from group_gateway.server.command_failure import CommandFailed

_DESCRIPTION = "A GraphQL gateway in front of a FHIR R4 Group REST API."
_EPILOG = "Settings are GROUP_GATEWAY_* variables, also in a file .env here; flags go before both."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; give the exit status."""
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except (SettingsError, CommandFailed) as error:
        sys.stderr.write(f"group-gateway: {error}\n")
        return 1
    except BrokenPipeError:  # as `group-gateway schema | head` gives
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


class _Parser(argparse.ArgumentParser):
    """Takes flags in full only: `--token SECRET` must not pass for `--token-file SECRET`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="group-gateway", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"group-gateway {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (sandbox, serve, schema, doctor):
        command.add_command(commands)
    return parser
