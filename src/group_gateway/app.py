"""The composition root: settings in, ASGI application out. All long-lived objects are made here."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from math import ceil
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from group_gateway.config import Settings
from group_gateway.digests import DigestKeys
from group_gateway.fhir_wiring import build_fhir_routes
from group_gateway.http.compression import Compression
from group_gateway.http.endpoint import Endpoint
from group_gateway.http.gateway_app import (
    END_SUBSCRIPTIONS,
    ENDPOINT_PATH,
    RELOAD_SETTINGS,
    TRACK_CONNECTIONS,
    GatewayApp,
)
from group_gateway.http.graphiql import GraphiQL
from group_gateway.http.negotiation import Negotiation
from group_gateway.http.operation_report import OperationReport
from group_gateway.http.pipeline import RequestPipeline
from group_gateway.http.request_limits import RequestLimits
from group_gateway.http.shared_responses import SharedResponses
from group_gateway.http.subscriptions.transports import Streams, build_streams
from group_gateway.observability.metrics_endpoint import metrics_route
from group_gateway.observability.request_log import RequestLog
from group_gateway.observability.worker_group import WorkerGroup
from group_gateway.server.http_protocol import ConnectionLimits
from group_gateway.settings_reload import SettingsReload
from group_gateway.wiring import (
    Closes,
    Core,
    build_audit_logs,
    build_core,
    build_page,
    build_persisted_documents,
    build_probes,
    build_request_limits,
    build_stream_limits,
)

_LEAST_DRAIN = 30
_LAST_ANSWERS = 10
"""Seconds for the answers to operations that ended at their deadline, at shutdown."""


def create_app(  # noqa: PLR0913 - each replaces a part of the surroundings
    settings: Settings,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    page_token: str | None = None,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    workers: WorkerGroup | None = None,
) -> Starlette:
    """Build the application.

    `transport` replaces the network to the upstream, the token endpoint and the issuer's keys.
    GraphiQL starts with `page_token`, a bearer token that is public. Tokens expire by `clock`, in
    seconds since the epoch, and cache entries by `monotonic`. `workers` is the group of processes
    that serve with this one. `state.engine` of the result executes all requests.
    """
    workers = workers or WorkerGroup()
    keys = DigestKeys(settings.key())
    core = build_core(settings, keys, transport, clock, monotonic)
    audit = build_audit_logs(settings, core.metrics)
    request_log = RequestLog(keys, settings.log_requests, *audit, required=settings.audit_required)
    limits = build_request_limits(settings)
    report = OperationReport(core.engine, limits, core.metrics, request_log)
    compression = Compression(enabled=settings.compression)
    pipeline = _pipeline(settings, core, limits, report, compression)
    stream_limits = build_stream_limits(settings)
    streams = build_streams(stream_limits, core.engine, pipeline, core.authenticator, report)
    page = build_page(settings, page_token)
    negotiation = Negotiation(settings.router_key, incremental=settings.incremental_delivery)
    endpoint = Endpoint(
        pipeline, core.authenticator, limits, compression, negotiation, page, streams.events
    )
    routes = [
        Route(ENDPOINT_PATH, endpoint.get, methods=["GET", "POST"]),
        *build_fhir_routes(settings, core, pipeline, limits, compression),
        *_operational_routes(core, request_log, workers, page),
    ]
    state = _lifespan_state(settings, core, pipeline, streams)
    started = partial(_start, workers, core)
    gateway_app = GatewayApp(
        endpoint,
        cross_origin=limits.cross_origin,
        sockets=streams.sockets,
        tracing=core.tracing,
        routes=routes,
        lifespan=_closing(*core.parts, *audit, workers, state=state, started=started),
        admin_port=settings.admin_port,
    )
    gateway_app.state.engine = core.engine
    return gateway_app


def _pipeline(
    settings: Settings,
    core: Core,
    limits: RequestLimits,
    report: OperationReport,
    compression: Compression,
) -> RequestPipeline:
    share = partial(SharedResponses, core.cache, compression, limits.ready_bytes)
    documents = build_persisted_documents(settings, core.metrics)
    return RequestPipeline(core.engine, limits, report, documents, share)


def _operational_routes(
    core: Core, request_log: RequestLog, workers: WorkerGroup, page: GraphiQL | None
) -> list[BaseRoute]:
    """Return the routes of the probes, the metrics and GraphiQL."""
    shown = page.routes() if page else ()
    return [*build_probes(core, request_log, workers), metrics_route(workers), *shown]


def _lifespan_state(
    settings: Settings, core: Core, pipeline: RequestPipeline, streams: Streams
) -> Mapping[str, Any]:
    """Return what the server calls: at its start, at its end, and on SIGHUP."""
    return {
        TRACK_CONNECTIONS: pipeline.admission.track_connections,
        END_SUBSCRIPTIONS: streams.end,
        RELOAD_SETTINGS: SettingsReload(core, settings),
    }


async def _start(workers: WorkerGroup, core: Core) -> None:
    """Join the other workers, and start to follow the shared invalidations."""
    await workers.start(core.metrics)
    await core.cache.start()


def _closing(
    *parts: Closes, state: Mapping[str, Any], started: Callable[[], Awaitable[None]]
) -> Callable[[Starlette], AbstractAsyncContextManager[Mapping[str, Any]]]:
    """Return a lifespan that calls `started`, and closes the parts in order at its end."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        await started()
        try:
            yield state
        finally:
            for part in parts:
                await part.aclose()

    return lifespan


def connection_limits(settings: Settings) -> ConnectionLimits:
    """Return the limits that the application's server must enforce."""
    return ConnectionLimits(
        settings.connections,
        settings.client_timeout,
        message_bytes=settings.body_bytes if settings.subscriptions else 0,
        keep_alive=settings.keep_alive,
        admin_port=settings.admin_port,
        drain_seconds=max(_LEAST_DRAIN, ceil(settings.deadline) + _LAST_ANSWERS),
    )
