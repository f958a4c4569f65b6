"""Probes: whether the process is alive, and whether requests should be sent to it.

An upstream outage hits all replicas alike. Removing them all would deprive clients of stale
responses and of an explanation, so `/readyz` reports the outage and stays ready.
"""

import asyncio
import time
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

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
"""Upstream timeout, in seconds, until the first success."""
_USUAL_TIMEOUT = 0.5
"""Upstream timeout, in seconds, after it. Kubernetes probes time out after 1 s by default."""
_VALIDITY = 1.0
"""Seconds for which the state of the upstream is not checked again."""
_UNREADY = HTTPStatus.SERVICE_UNAVAILABLE


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


@dataclass(frozen=True, slots=True)
class Readiness:
    """What it depends on whether requests should be sent to this process.

    It is not ready before its upstream has answered once, while it can't write an audit log that is
    required, and while it can't authenticate anybody. An unreachable Redis makes it slower but not
    unready; the body reports it.
    """

    client: GroupClient
    authenticator: Authenticator
    request_log: RequestLog
    metrics: PrometheusMetrics
    workers: WorkerGroup
    cache: CacheStore

    def route(self) -> Route:
        """Return `/readyz`, which contacts the upstream."""
        upstream = _Upstream(self.client, self.workers)

        async def ready(_: Request) -> Response:
            status, report = await self._report(upstream)
            return JSONResponse(report, status)

        return Route("/readyz", ready)

    async def _report(self, upstream: _Upstream) -> tuple[int, dict[str, object]]:
        """Return the status and the body of a response."""
        unrecorded = self.request_log.is_failing
        if unrecorded and self.request_log.is_required:
            return _UNREADY, {"status": "audit log can't be written"}
        problem = self.authenticator.problem
        if problem is not None and problem.is_total:
            return _UNREADY, {"status": problem.sentence}
        failure = await upstream.failure()
        if failure is not None and not upstream.was_reached:
            return _UNREADY, {"status": "upstream unavailable", "code": failure.code}
        report: dict[str, object] = {"status": "ok"}
        report["upstream"] = "ok" if failure is None else failure.code
        if self.cache.is_shared:
            report["cache"] = "unavailable" if self.cache.epoch is None else "ok"
            if self.cache.problem is not None:
                report["cacheProblem"] = self.cache.problem
        if problem is not None:
            report["callers"] = problem.sentence
        if unrecorded:
            report["audit"] = "can't be written"
        report["breakersOpen"] = self.metrics.open_breakers
        return HTTPStatus.OK, report


def liveness_route() -> Route:
    """Return `/livez`, which has no dependencies."""

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Route("/livez", live)
