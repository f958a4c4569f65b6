"""Flags that several commands share, and the settings from flags and environment."""

import argparse
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from group_gateway.config import PREFIX, Settings, SettingsError, read_settings
from group_gateway.observability.logging_config import logging_config
from group_gateway.server.command_failure import CommandFailed
from group_gateway.server.listening import listen_all, unix_socket

DOTENV = Path(".env")
_SETTINGS = ("host", "port", "uds", "upstream_url", "upstream_check", "workers", "log_level")


def settings_of(chosen: argparse.Namespace, *, serving: bool = True, **unless_set: str) -> Settings:
    """Read the settings, with the given flags; raise SettingsError.

    `unless_set` holds the command's own defaults. A command that is not `serving` may leave
    authentication unset.
    """
    return read_settings(
        os.environ, flags_of(chosen), dotenv=DOTENV, unless_set=unless_set, serving=serving
    )


def flags_of(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return the flags that are settings; None for one that is absent."""
    return {name: getattr(chosen, name, None) for name in _SETTINGS}


def settings_with_upstream(
    chosen: argparse.Namespace, command: str, *, serving: bool = True
) -> Settings:
    """Read the settings of a command that needs an upstream; raise SettingsError."""
    settings = settings_of(chosen, serving=serving)
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
    parser.add_argument(
        "--uds", metavar="PATH", help=f"Unix socket to listen on instead ({PREFIX}UDS)"
    )


@contextmanager
def listening(settings: Settings) -> Iterator[list[socket.socket]]:
    """Listen within the block where the settings say, the admin port last.

    Raises CommandFailed.
    """
    with ExitStack() as stack:
        if settings.uds:
            mode = int(settings.uds_mode, 8)
            sockets = [stack.enter_context(unix_socket(Path(settings.uds), mode))]
        else:
            sockets = [*map(stack.enter_context, listen_all(settings.host, settings.port))]
        if settings.admin_port:
            host = settings.admin_host or settings.host
            others = listen_all(host, settings.admin_port, flag=f"{PREFIX}ADMIN_PORT")
            sockets += map(stack.enter_context, others)
        yield sockets


def add_upstream_flag(parser: argparse.ArgumentParser) -> None:
    """Add --upstream-url."""
    parser.add_argument(
        "--upstream-url", metavar="URL", help=f"the FHIR server's base URL ({PREFIX}UPSTREAM_URL)"
    )


def add_log_flag(parser: argparse.ArgumentParser) -> None:
    """Add --log-level."""
    parser.add_argument(
        "--log-level",
        metavar="LEVEL",
        help=f"debug, info, warning or error ({PREFIX}LOG_LEVEL, info)",
    )


def logging_of(settings: Settings) -> dict[str, Any]:
    """Return the configuration of logging."""
    return logging_config(settings.log_format, settings.log_level)


def check_audit_file(settings: Settings) -> None:
    """Raise CommandFailed when the audit log can't be appended to."""
    if not settings.audit_file:
        return
    try:
        with Path(settings.audit_file).open("ab"):
            pass
    except OSError as error:
        raise CommandFailed(
            f"{PREFIX}AUDIT_FILE is wrong: {settings.audit_file} can't be written"
            f" ({error.strerror})."
        ) from None
