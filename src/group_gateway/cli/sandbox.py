"""`group-gateway sandbox`: the gateway on the built-in upstream, for trying it out."""

import argparse
import asyncio
import sys
from contextlib import suppress
from typing import Any

import msgspec
import uvicorn

from group_gateway.app import create_app
from group_gateway.cli.listening import add_address_flags, address_of, listen
from group_gateway.cli.serving import CompanionServer, config
from group_gateway.sandbox import SERVER_OPTIONS, SandboxOptions
from group_gateway.sandbox import create_app as create_sandbox
from group_gateway.sandbox.wellknown import TOKEN
from group_gateway.settings import Settings, SettingsError


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("sandbox", help="try the gateway on a built-in FHIR server")
    add_address_flags(parser)
    parser.add_argument("--upstream-only", action="store_true", help="run the FHIR server alone")
    parser.add_argument(
        "--upstream-port", type=int, default=0, help="port of the FHIR server (any free one)"
    )
    parser.add_argument(
        "--database", default=":memory:", help="SQLite file to keep the groups in (memory)"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, settings: Settings) -> int:
    """Serve until a signal; raises SettingsError or CannotListen."""
    if settings.upstream_url:
        raise SettingsError(
            "sandbox brings its own upstream: unset GROUP_GATEWAY_UPSTREAM_URL, or use serve."
        )
    upstream_app = create_sandbox(SandboxOptions(database=chosen.database))
    if chosen.upstream_only:
        sock = listen(settings.host, settings.port)
        _say(f"The sandbox's FHIR server is at {address_of(sock)} (bearer token: {TOKEN})")
        uvicorn.Server(config(upstream_app, **_upstream_options())).run(sockets=[sock])
    else:
        asyncio.run(_serve_both(chosen, settings, upstream_app))
    return 0


async def _serve_both(chosen: argparse.Namespace, settings: Settings, upstream_app: Any) -> None:
    front = listen(settings.host, settings.port)
    back = listen("127.0.0.1", chosen.upstream_port)
    known = msgspec.structs.replace(settings, upstream_url=address_of(back))
    gateway = uvicorn.Server(config(create_app(known, page_token=TOKEN)))
    upstream = CompanionServer(config(upstream_app, **_upstream_options()))
    _say(f"GraphiQL is at {address_of(front)}/graphql (bearer token: {TOKEN})")
    _say(f"The sandbox's FHIR server is at {address_of(back)}")
    beside = asyncio.create_task(upstream.serve(sockets=[back]))
    with suppress(KeyboardInterrupt):
        await gateway.serve(sockets=[front])
    upstream.should_exit = True
    await beside


def _upstream_options() -> dict[str, Any]:
    return {name: value for name, value in SERVER_OPTIONS.items() if name != "server_header"}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
