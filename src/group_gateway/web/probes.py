"""Probes: whether the process is alive, and whether it can do its work."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from group_gateway.errors import GatewayError, UpstreamUnavailable
from group_gateway.operation import Caller
from group_gateway.upstream.client import GroupClient

_NOBODY = Caller("probe")
_PATIENCE = 2.0


def probe_routes(client: GroupClient) -> list[BaseRoute]:
    """Give `/livez`, which asks nobody, and `/readyz`, which asks the upstream for an answer."""

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        try:
            await client.capabilities(_NOBODY, _PATIENCE)
        except UpstreamUnavailable as error:
            return JSONResponse({"status": "upstream unavailable", "code": error.code}, 503)
        except GatewayError:  # it answers; that it does not tell a stranger more is its right
            pass
        return JSONResponse({"status": "ok"})

    return [Route("/livez", live), Route("/readyz", ready)]
