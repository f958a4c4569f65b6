"""`group-gateway sandbox`: the gateway on the built-in upstream, for trying it out."""

import argparse
import asyncio
import sqlite3
from typing import Any

import msgspec
from starlette.applications import Starlette

from group_gateway.app import connection_limits, create_app
from group_gateway.cli.flags import (
    add_address_flags,
    add_log_flag,
    check_audit_file,
    listening,
    logging_of,
    settings_of,
)
from group_gateway.cli.greeting import greet, open_browser
from group_gateway.config import PREFIX, Settings, SettingsError
from group_gateway.sandbox import SERVER_OPTIONS, SandboxOptions
from group_gateway.sandbox import create_app as create_sandbox
from group_gateway.sandbox.wellknown import TOKEN
from group_gateway.server.command_failure import CommandFailed
from group_gateway.server.listening import address_of, listen
from group_gateway.server.uvicorn_server import CommandServer, CompanionServer, config, print_line


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "sandbox",
        help="try the gateway on a built-in FHIR server",
        description="Serves the gateway on a built-in FHIR server with sample groups.",
    )
    add_address_flags(parser)
    add_log_flag(parser)
    parser.add_argument("--upstream-only", action="store_true", help="run the FHIR server alone")
    parser.add_argument(
        "--upstream-port",
        type=int,
        metavar="PORT",
        help="port of the FHIR server (any free one)",
    )
    parser.add_argument(
        "--database",
        default=":memory:",
        metavar="FILE",
        help="SQLite file for the groups (without it they are lost at the end)",
    )
    parser.add_argument("--open", action="store_true", help="open GraphiQL in a browser")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Serve until a signal; raises SettingsError or CommandFailed."""
    settings = settings_of(chosen, subscriptions="true", fhir_graphql="true")
    if settings.upstream_url:
        raise SettingsError(
            f"sandbox brings its own upstream: unset {PREFIX}UPSTREAM_URL, or use serve."
        )
    if chosen.open and (chosen.upstream_only or not settings.graphiql):
        raise SettingsError("--open opens GraphiQL, which is not served here.")
    check_audit_file(settings)
    upstream = _upstream(chosen.database)
    if chosen.upstream_only:
        return _serve_upstream(chosen, settings, upstream)
    # on the event loop of `serve`
    with asyncio.Runner(loop_factory=config(upstream).get_loop_factory()) as runner:
        return runner.run(_serve_both(chosen, settings, upstream))


def _upstream(database: str) -> Starlette:
    app = create_sandbox(SandboxOptions(database=database))
    try:
        app.state.sandbox.store  # noqa: B018 - opens the database now, and not at the first request
    except sqlite3.Error as error:
        raise CommandFailed(f"can't keep groups in {database}: {error}.") from None
    return app


def _serve_upstream(chosen: argparse.Namespace, settings: Settings, upstream: Starlette) -> int:
    named = chosen.upstream_port is not None
    port, flag = (chosen.upstream_port, "--upstream-port") if named else (settings.port, "--port")
    with listen(settings.host, port, flag=flag) as sock:
        print_line(f"The sandbox's FHIR server is at {address_of(sock)} (bearer token: {TOKEN})")
        server = CommandServer(config(upstream, log=logging_of(settings), **_upstream_options()))
        server.run(sockets=[sock])
        return server.status


async def _serve_both(
    chosen: argparse.Namespace, settings: Settings, upstream_app: Starlette
) -> int:
    with (
        listening(settings) as sockets,
        listen("127.0.0.1", chosen.upstream_port or 0, flag="--upstream-port") as back,
    ):
        url = address_of(back)
        token_url = settings.service_token_url or f"{url}/auth/token/"
        known = msgspec.structs.replace(settings, upstream_url=url, service_token_url=token_url)
        # If the gateway authenticates callers itself, they have no token of the FHIR server.
        token = TOKEN if settings.callers == "pass-through" else None
        app = create_app(known, page_token=token)
        gateway = CommandServer(config(app, connection_limits(known), log=logging_of(known)))
        upstream = CompanionServer(
            config(upstream_app, log=logging_of(known), **_upstream_options())
        )
        beside = asyncio.create_task(upstream.serve(sockets=[back]))
        endpoint = f"{address_of(sockets[0])}/graphql"
        greet(endpoint, url, token=token, graphiql=settings.graphiql)
        opening = asyncio.create_task(open_browser(endpoint)) if chosen.open else None
        await gateway.serve(sockets=sockets)
        upstream.should_exit = True
        await beside
        if opening is not None:
            await opening
        return gateway.status


def _upstream_options() -> dict[str, Any]:
    return {name: value for name, value in SERVER_OPTIONS.items() if name != "server_header"}
