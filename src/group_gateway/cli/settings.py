"""`group-gateway settings`: the effective settings and their sources, secrets masked."""

import argparse
import os
import sys
from typing import Any

import msgspec

from group_gateway.cache.redis.address import SCHEMES, AddressError, checked_address
from group_gateway.cli.flags import DOTENV, add_address_flags, add_upstream_flag, flags_of
from group_gateway.config import (
    PREFIX,
    SECRETS,
    SETTINGS,
    Given,
    Settings,
    convert,
    read_given,
    read_settings,
)

_DESCRIPTION = """\
Prints each effective setting and its source: a flag, a variable, a secret file, the file .env
here, or the default. Secrets are masked. Inconsistent settings are reported as by `serve`, with
exit status 1.
"""
_MASK = "********"


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "settings",
        help="print the effective settings, secrets masked",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_address_flags(parser)
    add_upstream_flag(parser)
    parser.add_argument(
        "--changed", action="store_true", help="only settings that differ from the default"
    )
    parser.add_argument("--json", action="store_true", help="write one JSON object")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print the settings; raise SettingsError after that if they do not fit together."""
    flags = flags_of(chosen)
    given = read_given(os.environ, flags, dotenv=DOTENV)
    rows = [
        row
        for row in _rows(convert(given), given)
        if row["source"] != "default" or not chosen.changed
    ]
    if chosen.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(rows)).decode() + "\n")
    else:
        width = max((len(f"{row['name']}={row['value']}") for row in rows), default=0)
        for row in rows:
            line = f"{row['name']}={row['value']}"
            sys.stdout.write(f"{line:<{min(width, 60)}}  # {row['source']}\n")
    sys.stdout.flush()
    read_settings(os.environ, flags, dotenv=DOTENV)
    return 0


def _rows(settings: Settings, given: dict[str, Given]) -> list[dict[str, str]]:
    return [
        {
            "name": f"{PREFIX}{name.upper()}",
            "value": _shown(name, getattr(settings, name)),
            "source": given[name].source if name in given else "default",
            "description": description,
        }
        for name, description in SETTINGS.items()
    ]


def _shown(name: str, value: Any) -> str:
    """Return a value as it would be written; of a secret only that there is one."""
    if isinstance(value, bool):
        return str(value).lower()
    if name == "cache_url":
        return _cache_address(value)
    if name in SECRETS:
        return _MASK if value else ""
    if name.endswith("_url"):
        return _without_user(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cache_address(url: str) -> str:
    """Return an address without password and options; nothing of one that is wrong."""
    try:
        parts = checked_address(url)
    except AddressError:
        return _MASK
    if "://" not in url or parts.scheme not in {"memory", *SCHEMES}:
        return _MASK
    secret, at, place = parts.netloc.rpartition("@")
    user, colon, _ = secret.rpartition(":")
    credentials = f"{user}{colon}{_MASK}{at}" if at else ""
    query = f"?{_MASK}" if parts.query else ""
    return f"{parts.scheme}://{credentials}{place}{parts.path}{query}"


def _without_user(url: str) -> str:
    """Return an address without user, whom no check has refused yet, and without query."""
    begin = url.find("://") + len("://") if "://" in url else 0
    _, at, place = url[begin:].rpartition("@")
    address, query, _ = place.partition("?")
    return f"{url[:begin]}{at and _MASK}{at}{address}{query and f'?{_MASK}'}"
