"""The sandbox as a Starlette app: its routes and its layers, in order.

`group-gateway sandbox` serves it, tests mount it with httpx's `ASGITransport`. Every response has
the sandbox's own `Date` header: serve it with `SERVER_OPTIONS`, or uvicorn adds a second one.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from group_gateway.sandbox.api import control, oauth
from group_gateway.sandbox.api.directory_reads import find_people, read_person
from group_gateway.sandbox.api.group_writes import create, delete, update
from group_gateway.sandbox.api.metadata import metadata
from group_gateway.sandbox.api.reads import read, search
from group_gateway.sandbox.api.routing import Methods
from group_gateway.sandbox.data.directory import kinds
from group_gateway.sandbox.layers.edge import Edge
from group_gateway.sandbox.layers.faults import Faults
from group_gateway.sandbox.options import SandboxOptions
from group_gateway.sandbox.outcome import answer, refuse
from group_gateway.sandbox.state import Sandbox

SERVER_OPTIONS: Final[Mapping[str, bool]] = {"date_header": False, "server_header": False}
"""Arguments for `uvicorn.Config` or `uvicorn.run` with this app."""


def create_app(options: SandboxOptions | None = None) -> Starlette:
    """Build a sandbox with its own data; its state is at `app.state.sandbox`.

    The database is opened at the first request and closed when the app shuts down, or is collected.
    """
    sandbox = Sandbox(options or SandboxOptions())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            sandbox.close()

    app = Starlette(
        routes=_routes(control_too=sandbox.options.control),
        middleware=[
            Middleware(Edge, log=sandbox.requests, now=sandbox.now),
            Middleware(Faults, sandbox=sandbox),
        ],
        exception_handlers={404: _no_route, Exception: _broken},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.sandbox = sandbox
    return app


def _routes(*, control_too: bool) -> list[Route]:
    upstream = [
        Route("/metadata", Methods({"GET": metadata})),
        Route("/Group", Methods({"GET": search, "POST": create})),
        Route("/Group/{id}", Methods({"GET": read, "PUT": update}, delete)),
        *(Route(f"/{kind}", Methods({"GET": find_people})) for kind in kinds()),
        *(Route(f"/{kind}/{{id}}", Methods({"GET": read_person})) for kind in kinds()),
        Route("/auth/token/", Methods({"POST": oauth.token})),
    ]
    return upstream + (_control_routes() if control_too else [])


def _control_routes() -> list[Route]:
    quirks = {"GET": control.show_quirks, "PUT": control.set_quirks, "DELETE": control.drop_quirks}
    requests = {"GET": control.show_requests, "DELETE": control.clear_requests}
    return [
        Route("/sandbox/quirks", Methods(quirks)),
        Route("/sandbox/requests", Methods(requests)),
        Route("/sandbox/revoke", Methods({"POST": control.revoke})),
        Route("/sandbox/reset", Methods({"POST": control.reset})),
    ]


async def _no_route(_: Request, __: Exception) -> Response:
    return JSONResponse({"detail": "Not Found"}, status_code=404)


async def _broken(_: Request, error: Exception) -> Response:
    # The upstream's framework discloses the exception's text; so does the sandbox.
    return answer(refuse(500, str(error)))
