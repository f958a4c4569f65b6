"""Probes: whether the process is alive, and whether requests should be sent to it.

An upstream outage hits all replicas alike. Removing them all would deprive clients of stale
responses and of an explanation, so `/readyz` reports the outage and stays ready.
"""

import asyncio
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from group_gateway.cache.store import CacheStore
from group_gateway.errors import GatewayError, UpstreamUnavailable
from group_gateway.identity.authenticator import Authenticator
from group_gateway.observability.prometheus_metrics import PrometheusMetrics
from group_gateway.observability.request_log import RequestLog
from group_gateway.observability.worker_group import WorkerGroup
from group_gateway.operation import Caller
from group_gateway.upstream.client import GroupClient

_NOBODY = Caller("probe")
_TIMEOUT = 2.0
_USUAL_TIMEOUT = 0.5
"""Upstream timeout after the first success. Kubernetes probes time out after 1 s by default."""
_VALIDITY = 1.0


class _Upstream:
    """The upstream's state: at most one request at a time, and none within a second of the last.

    Anybody may call a probe, as often as they like.
    """

    def __init__(self, client: GroupClient, workers: WorkerGroup) -> None:
        self._client = client
        self._workers = workers
        self._lock = asyncio.Lock()
        self._known_until = 0.0
        self._failure: UpstreamUnavailable | None = None

    @property
    def was_reached(self) -> bool:
        """Whether the upstream has ever answered this worker or another one."""
        return self._workers.has_reached_upstream

    async def failure(self) -> UpstreamUnavailable | None:
        """Return why the upstream can't be reached; None when it can."""
        async with self._lock:
            if time.monotonic() >= self._known_until:
                self._failure = await self._check()
                if self._failure is None:
                    self._workers.note_upstream_reached()
                if self.was_reached:
                    self._known_until = time.monotonic() + _VALIDITY
            return self._failure

    async def _check(self) -> UpstreamUnavailable | None:
        timeout = _USUAL_TIMEOUT if self.was_reached else _TIMEOUT
        try:
            await self._client.capabilities(_NOBODY, timeout)
        except UpstreamUnavailable as failure:
            return failure
        except GatewayError:  # it responds; it need not show more without a credential
            pass
        return None


def probe_routes(  # noqa: PLR0913, PLR0917 - all that readiness depends on
    client: GroupClient,
    authenticator: Authenticator,
    request_log: RequestLog,
    metrics: PrometheusMetrics,
    workers: WorkerGroup,
    cache: CacheStore,
) -> list[BaseRoute]:
    """Return `/livez`, which has no dependencies, and `/readyz`, which contacts the upstream.

    A gateway is not ready before its upstream has answered once, nor while it can't write its audit
    log. An unreachable Redis makes it slower but not unready; the body reports it.
    """
    upstream = _Upstream(client, workers)

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        if request_log.is_failing:
            return JSONResponse({"status": "audit log can't be written"}, 503)
        problem = authenticator.problem
        if problem is not None and problem.is_total:
            return JSONResponse({"status": problem.sentence}, 503)
        failure = await upstream.failure()
        if failure is not None and not upstream.was_reached:
            return JSONResponse({"status": "upstream unavailable", "code": failure.code}, 503)
        known = {"upstream": "ok" if failure is None else failure.code}
        if cache.is_shared:
            known["cache"] = "unavailable" if cache.epoch is None else "ok"
            if cache.problem is not None:
                known["cacheProblem"] = cache.problem
        if problem is not None:
            known["callers"] = problem.sentence
        return JSONResponse({"status": "ok", **known, "breakersOpen": metrics.open_breakers})

    return [Route("/livez", live), Route("/readyz", ready)]
