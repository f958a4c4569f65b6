"""Every command with its flags, as the parser has them."""

import argparse
from collections.abc import Mapping

from group_gateway import cli


def commands() -> Mapping[str, argparse.ArgumentParser]:
    """Return the parser of each command, by its name."""
    [chosen] = [
        action
        for action in cli._parser()._actions  # noqa: SLF001 - argparse has no other way to ask
        if isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
    ]
    return chosen.choices


def page() -> str:
    """Return the page of commands."""
    parts = [_section(name, parser) for name, parser in commands().items()]
    return "\n\n".join([_HEAD, *parts]) + "\n"


def _section(name: str, parser: argparse.ArgumentParser) -> str:
    rows = [
        f"| `{_called(action)}` | {action.help} |"
        for action in parser._actions  # noqa: SLF001
        if action.dest != "help"
    ]
    table = ["| Flag | What it does |", "|---|---|", *rows] if rows else []
    return "\n".join(
        [f"## `group-gateway {name}`", "", (parser.description or "").strip(), "", *table]
    )


def _called(action: argparse.Action) -> str:
    """Return a flag or an argument with the name of its value."""
    if not action.option_strings:
        return action.metavar if isinstance(action.metavar, str) else action.dest
    flag = ", ".join(action.option_strings)
    if action.nargs == 0:
        return flag
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    return f"{flag} {value}"


_HEAD = """\
# Commands

`group-gateway --help` lists the commands, and `group-gateway COMMAND --help` the flags of one. A wrong setting, an upstream
out of reach or a busy port ends a command with one sentence on standard error and exit status 1. A wrong flag ends it with
exit status 2."""
