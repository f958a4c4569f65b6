"""The `group-gateway` command: sandbox, serve, schema, doctor, settings, completion.

A wrong setting, a busy port or an unreachable upstream is one sentence on stderr and exit status 1.
Wrong flags are argparse's sentence, with the nearest flag, and exit status 2.
"""

import argparse
import difflib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from group_gateway import __version__
from group_gateway.cli import completion, doctor, sandbox, schema, serve, settings
from group_gateway.config import SettingsError
from group_gateway.server.command_failure import CommandFailed

_DESCRIPTION = "A GraphQL gateway in front of a FHIR R4 Group REST API."
_EPILOG = (
    "Settings are GROUP_GATEWAY_* variables, also in the file .env here; flags override both."
    " Start with `group-gateway sandbox`."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit status. Without a command, print the help."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if not hasattr(chosen, "run"):
        parser.print_help()
        return 0
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
    """Accept flags in full only: `--token SECRET` must not pass for `--token-file SECRET`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, but refuse an unknown flag here, where the known ones are."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self._refuse(unknown[0])
        return known, unknown

    def error(self, message: str) -> NoReturn:
        """Exit with status 2 and a sentence that names the nearest command, if one is near."""
        wanted = message.partition("invalid choice: ")[2]
        if wanted:
            word = wanted.partition(" ")[0].strip("'")
            choices = wanted.partition("choose from ")[2].split(",")
            known = [choice.strip(" ')") for choice in choices]
            message = f"there is no {word!r}{_nearest(word, known)}"
        super().error(message)

    def _refuse(self, argument: str) -> NoReturn:
        flag = argument.partition("=")[0]  # the rest may be a secret
        if not flag.startswith("-"):
            self.error("unrecognized arguments: there is one too many")
        flags = [action.option_strings[-1] for action in self._actions if action.option_strings]
        self.error(f"unrecognized arguments: {flag}{_nearest(flag, flags)}")


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(known))}."


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="group-gateway", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"group-gateway {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in (sandbox, serve, schema, doctor, settings):
        command.add_command(commands)
    completion.add_command(commands, parser)
    return parser
