"""`group-gateway doctor`: checks an upstream and explains what is wrong. Changes nothing."""

import argparse
import asyncio
import re
import sys
from pathlib import Path
from typing import Any

from group_gateway.cli.doctor.check_sequence import examine
from group_gateway.cli.doctor.report import write_json, write_lines
from group_gateway.cli.flags import add_upstream_flag, settings_with_upstream
from group_gateway.config import PREFIX, Settings
from group_gateway.server.command_failure import CommandFailed

_DESCRIPTION = f"""\
Checks a FHIR server and explains what is wrong: base URL, credentials, scopes,
CapabilityStatement, searches, clock. It only reads, unless --try-write is given: then it also
checks whether the server refuses a write that is based on an old state. Exit status 1 when a
check fails.

The token comes from {PREFIX}DOCTOR_TOKEN, a file or standard input, never from the command
line, which is visible to every user of this machine and stays in the shell's history.
"""
_TOKEN = re.compile(r"[\x21-\x7e]+")


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "doctor",
        help="check a FHIR server and explain what is wrong",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_upstream_flag(parser)
    parser.add_argument(
        "--token-file", metavar="FILE", help="file that holds the bearer token; - is standard input"
    )
    parser.add_argument(
        "--try-write",
        action="store_true",
        help="PUT an unchanged group with a precondition that can't hold: it must be refused",
    )
    parser.add_argument("--json", action="store_true", help="write one JSON object")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Check, and report; raise SettingsError or CommandFailed."""
    settings = settings_with_upstream(chosen, "doctor", serving=False)
    write = write_json if chosen.json else write_lines
    healthy = asyncio.run(
        write(examine(settings, _token(chosen, settings), writes=chosen.try_write))
    )
    return 0 if healthy else 1


def _token(chosen: argparse.Namespace, settings: Settings) -> str | None:
    text = settings.doctor_token
    if chosen.token_file == "-":  # noqa: S105 - a file's name
        text = sys.stdin.read()
    elif chosen.token_file is not None:
        text = _contents(Path(chosen.token_file))
    token = text.strip().removeprefix("Bearer ").strip()
    if token and not _TOKEN.fullmatch(token):
        raise CommandFailed("the token holds characters that no bearer token has.")
    return token or None


def _contents(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        raise CommandFailed(f"can't read a token from {path}.") from None
