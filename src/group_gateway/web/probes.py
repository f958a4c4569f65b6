"""Probes: whether the process is alive, and whether it can do its work."""

import asyncio
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from group_gateway.errors import GatewayError, UpstreamUnavailable
from group_gateway.operation import Caller
from group_gateway.upstream.client import GroupClient
from group_gateway.web.journal import Journal

_NOBODY = Caller("probe")
_PATIENCE = 2.0
_VALIDITY = 1.0


class _Readiness:
    """Asks the upstream, but one question at a time, and none for a second after a good answer.

    Anybody may probe, as often as they like.
    """

    def __init__(self, client: GroupClient) -> None:
        self._client = client
        self._lock = asyncio.Lock()
        self._ready_until = 0.0

    async def failure(self) -> UpstreamUnavailable | None:
        """Give why the gateway can't do its work; None when it can."""
        async with self._lock:
            if time.monotonic() < self._ready_until:
                return None
            failure = await self._ask()
            if failure is None:
                self._ready_until = time.monotonic() + _VALIDITY
            return failure

    async def _ask(self) -> UpstreamUnavailable | None:
        try:
            await self._client.capabilities(_NOBODY, _PATIENCE)
        except UpstreamUnavailable as failure:
            return failure
        except GatewayError:  # it answers; that it does not tell a stranger more is its right
            pass
        return None


def probe_routes(client: GroupClient, journal: Journal) -> list[BaseRoute]:
    """Give `/livez`, which asks nobody, and `/readyz`, which asks the upstream for an answer.

    Nor is a gateway ready that can't write its audit log.
    """
    readiness = _Readiness(client)

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        if journal.is_failing:
            return JSONResponse({"status": "audit log can't be written"}, 503)
        failure = await readiness.failure()
        if failure is None:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "upstream unavailable", "code": failure.code}, 503)

    return [Route("/livez", live), Route("/readyz", ready)]
