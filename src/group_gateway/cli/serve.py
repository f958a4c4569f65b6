"""`group-gateway serve`: the gateway in front of the upstream that the settings name."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from group_gateway.app import create_app
from group_gateway.cli.listening import add_address_flags, address_of, listen
from group_gateway.cli.serving import config
from group_gateway.settings import PREFIX, Settings, SettingsError, read_settings

_FACTORY = "group_gateway.cli.serve:worker_app"


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("serve", help="serve the gateway in front of a FHIR server")
    add_address_flags(parser)
    parser.add_argument("--upstream-url", help=f"the FHIR server's base URL ({PREFIX}UPSTREAM_URL)")
    parser.add_argument("--workers", type=int, default=1, help="processes to serve with (1)")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, settings: Settings) -> int:
    """Serve until a signal; raises SettingsError or CannotListen."""
    if not settings.upstream_url:
        raise SettingsError(
            f"serve needs an upstream: set {PREFIX}UPSTREAM_URL or --upstream-url to the base URL"
            " of a FHIR server. (`group-gateway sandbox` brings its own.)"
        )
    sock = listen(settings.host, settings.port)
    sys.stdout.write(f"group-gateway is at {address_of(sock)}/graphql\n")
    sys.stdout.flush()
    if chosen.workers > 1:
        _serve_with_workers(chosen, sock)
    else:
        uvicorn.Server(config(create_app(settings))).run(sockets=[sock])
    return 0


def _serve_with_workers(chosen: argparse.Namespace, sock: Any) -> None:
    if chosen.upstream_url:  # workers read the environment, and know nothing of flags
        os.environ[f"{PREFIX}UPSTREAM_URL"] = chosen.upstream_url
    workers = config(_FACTORY, factory=True, workers=chosen.workers)
    Multiprocess(workers, sockets=[sock]).run()


def worker_app() -> Starlette:
    """Build the application of a worker process, from the environment."""
    return create_app(read_settings(os.environ, {}, dotenv=Path(".env")))
