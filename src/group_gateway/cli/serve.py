"""`group-gateway serve`: the gateway in front of the upstream that the settings name."""

import argparse
import asyncio
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from starlette.applications import Starlette

from group_gateway.app import connection_limits, create_app
from group_gateway.cache_wiring import is_shared
from group_gateway.cli.doctor.check_sequence import first_contact
from group_gateway.cli.doctor.checks.shared_cache import shared_cache
from group_gateway.cli.flags import (
    add_address_flags,
    add_log_flag,
    add_upstream_flag,
    check_audit_file,
    listening,
    logging_of,
    settings_with_upstream,
)
from group_gateway.config import PREFIX, Settings, SettingsError
from group_gateway.observability.worker_group import WorkerGroup
from group_gateway.server.command_failure import CommandFailed
from group_gateway.server.listening import address_of
from group_gateway.server.process_memory import tune_memory
from group_gateway.server.uvicorn_server import CommandServer, config, print_line
from group_gateway.server.workers import CommandWorkers


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "serve",
        help="serve the gateway in front of a FHIR server",
        description="Serves the gateway in front of the FHIR server at the upstream's base URL.",
    )
    add_address_flags(parser)
    add_upstream_flag(parser)
    add_log_flag(parser)
    parser.add_argument("--workers", type=int, help=f"processes to serve with ({PREFIX}WORKERS, 1)")
    parser.add_argument(
        "--no-upstream-check",
        dest="upstream_check",
        action="store_const",
        const=False,
        help=f"start although the upstream can't be reached ({PREFIX}UPSTREAM_CHECK)",
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Serve until a signal; raises SettingsError or CommandFailed."""
    settings = settings_with_upstream(chosen, "serve")
    check_audit_file(settings)
    with listening(settings) as sockets:
        if settings.upstream_check:
            asyncio.run(_check_upstream(settings))
        if is_shared(settings):
            asyncio.run(_check_cache(settings))
        if settings.workers > 1 and settings.cache_url.startswith("memory:"):
            _warn(
                "each worker has a cache of its own, so what one writes others may show up to"
                f" {settings.cache_ttl:g} s later; {PREFIX}CACHE_URL=redis://… shares it."
            )
        print_line(f"group-gateway is at {address_of(sockets[0])}/graphql")
        return _serve(settings, sockets, partial(_reread, chosen))


def _serve(settings: Settings, sockets: list[socket.socket], reread: Callable[[], Settings]) -> int:
    # Workers get the settings of this process: flags included, read and checked once.
    limits = connection_limits(settings)
    serve = partial(config, limits=limits, log=logging_of(settings), factory=True)
    if settings.workers > 1:
        with _shared_folder() as shared:
            application = partial(_application, settings, Path(shared))
            serving = serve(application, workers=settings.workers)
            workers = CommandWorkers(serving, sockets=sockets)
            workers.reread = lambda: partial(_application, reread(), Path(shared))
            workers.run()
        return workers.status
    server = CommandServer(serve(partial(_application, settings, None)))
    server.reread = reread
    server.run(sockets=sockets)
    return server.status


def _shared_folder() -> TemporaryDirectory[str]:
    """Return a new folder for what workers share; raise CommandFailed."""
    try:
        return TemporaryDirectory(prefix="group-gateway-")
    except OSError:
        raise CommandFailed(
            "several workers need a folder for temporary files, and none can be written;"
            " mount one at /tmp, or name one in TMPDIR."
        ) from None


def _reread(chosen: argparse.Namespace) -> Settings:
    """Read the settings again; raises CommandFailed."""
    try:
        return settings_with_upstream(chosen, "serve")
    except SettingsError as error:
        raise CommandFailed(str(error)) from None


def _application(settings: Settings, shared: Path | None) -> Starlette:
    """Build the application of a process that does nothing else."""
    app = create_app(settings, workers=WorkerGroup(shared, reached=settings.upstream_check))
    tune_memory()
    return app


async def _check_upstream(settings: Settings) -> None:
    connection, base_url = await first_contact(settings)
    if connection.level == "fail":
        raise CommandFailed(f"the upstream can't be reached: {connection.text} {connection.remedy}")
    if base_url.level == "fail":
        _warn(f"{base_url.text} {base_url.remedy}")


async def _check_cache(settings: Settings) -> None:
    finding = await shared_cache(settings)
    if finding.level != "ok":
        _warn(f"{finding.text} {finding.remedy}")


def _warn(text: str) -> None:
    sys.stderr.write(f"group-gateway: warning: {text}\n")
    sys.stderr.flush()
