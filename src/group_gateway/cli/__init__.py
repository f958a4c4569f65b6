"""The `group-gateway` command: sandbox, serve, schema, doctor.

A wrong setting, a busy port, a missing upstream: one sentence on stderr and exit status 1; wrong
flags: argparse's sentence and exit status 2.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from group_gateway import __version__
from group_gateway.cli import sandbox, schema, serve
from group_gateway.cli.listening import CannotListen
from group_gateway.settings import Settings, SettingsError, read_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; give the exit status."""
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen, _settings(chosen)))
    except (SettingsError, CannotListen) as error:
        sys.stderr.write(f"group-gateway: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _settings(chosen: argparse.Namespace) -> Settings:
    flags: dict[str, Any] = {
        name: getattr(chosen, name, None) for name in ("host", "port", "upstream_url")
    }
    return read_settings(os.environ, flags, dotenv=Path(".env"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="group-gateway", description=__doc__.partition("\n")[0])
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (sandbox, serve, schema):
        command.add_command(commands)
    return parser
