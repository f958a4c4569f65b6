"""Flags that several commands share, and the settings that come of flags and environment."""

import argparse
import os
from pathlib import Path
from typing import Any

from group_gateway.config import PREFIX, Settings, SettingsError, read_settings

DOTENV = Path(".env")
_SETTINGS = ("host", "port", "upstream_url", "upstream_check", "workers")


def settings_of(chosen: argparse.Namespace, **unless_set: str) -> Settings:
    """Read the settings, with the flags that were given; raises SettingsError.

    `unless_set` has defaults of the command's own.
    """
    flags: dict[str, Any] = {name: getattr(chosen, name, None) for name in _SETTINGS}
    return read_settings(os.environ, flags, dotenv=DOTENV, unless_set=unless_set)


def settings_with_upstream(chosen: argparse.Namespace, command: str) -> Settings:
    """Read the settings of a command that can't do without an upstream; raises SettingsError."""
    settings = settings_of(chosen)
    if not settings.upstream_url:
        raise SettingsError(
            f"{command} needs an upstream: set {PREFIX}UPSTREAM_URL or --upstream-url to the base"
            " URL of a FHIR server (`group-gateway sandbox` brings its own)."
        )
    return settings


def add_address_flags(parser: argparse.ArgumentParser) -> None:
    """Add --host and --port."""
    parser.add_argument("--host", help=f"address to listen on ({PREFIX}HOST, 127.0.0.1)")
    parser.add_argument("--port", type=int, help=f"port to listen on ({PREFIX}PORT, 8000)")


def add_upstream_flag(parser: argparse.ArgumentParser) -> None:
    """Add --upstream-url."""
    parser.add_argument(
        "--upstream-url", metavar="URL", help=f"the FHIR server's base URL ({PREFIX}UPSTREAM_URL)"
    )
