"""The composition root: settings in, ASGI application out. Everything that lives is made here."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import httpx
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from group_gateway.config import Settings
from group_gateway.digests import DigestKeys
from group_gateway.http.endpoint import Endpoint
from group_gateway.http.gateway_app import (
    END_SUBSCRIPTIONS,
    ENDPOINT_PATH,
    TRACK_CONNECTIONS,
    GatewayApp,
)
from group_gateway.http.metrics import metrics_route
from group_gateway.http.negotiation import Negotiation
from group_gateway.http.pipeline import RequestPipeline
from group_gateway.http.probes import probe_routes
from group_gateway.http.subscriptions.streams import build_streams
from group_gateway.identity.authentication import build_account, build_authenticator
from group_gateway.observability.request_log import RequestLog
from group_gateway.observability.telemetry import Telemetry
from group_gateway.server.http_protocol import ConnectionLimits
from group_gateway.wiring import (
    build_audit_logs,
    build_engine,
    build_group_client,
    build_identity_endpoint,
    build_identity_network,
    build_page,
    build_persisted_documents,
    build_request_limits,
    build_stream_limits,
    build_upstream_network,
    build_use_cases,
)


def create_app(
    settings: Settings,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    page_token: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """Build the application.

    `transport` stands in for the network to the upstream, token endpoint and keys. `page_token` is
    a bearer token that anybody may know, for GraphiQL to start with. `clock` is what cache entries
    and callers' tokens expire by (seconds since the epoch). `state.engine` is what runs all
    requests.
    """
    keys = DigestKeys(settings.key())
    telemetry = Telemetry()
    identity_network = transport or build_identity_network(settings)
    identity_endpoint = build_identity_endpoint(settings, identity_network)
    account = build_account(settings, settings.upstream_url, identity_endpoint)
    client = build_group_client(
        settings, transport or build_upstream_network(settings), telemetry, account
    )
    cache, services = build_use_cases(settings, client, keys, telemetry, clock)
    engine = build_engine(settings, services)
    page = build_page(settings, page_token)
    audit = build_audit_logs(settings, telemetry)
    request_log = RequestLog(keys, settings.log_requests, *audit, required=settings.audit_required)
    limits = build_request_limits(settings)
    documents = build_persisted_documents(settings, telemetry)
    pipeline = RequestPipeline(engine, limits, cache, telemetry, request_log, documents)
    callers = build_authenticator(settings, keys, identity_endpoint, clock)
    places = build_stream_limits(settings)
    streams = build_streams(places, engine, pipeline, callers, request_log, telemetry)
    negotiation = Negotiation(settings.router_key, parts=settings.incremental_delivery)
    endpoint = Endpoint(pipeline, callers, limits, page, negotiation, streams.events)
    routes: list[BaseRoute] = [Route(ENDPOINT_PATH, endpoint.get, methods=["GET", "POST"])]
    routes += [*probe_routes(client, request_log, telemetry), metrics_route(telemetry)]
    parts: list[_Closes] = [services.watches, services.writes, client, identity_network, cache]
    track_connections = pipeline.admission.track_connections
    state = {END_SUBSCRIPTIONS: streams.end, TRACK_CONNECTIONS: track_connections}
    gateway_app = GatewayApp(
        endpoint,
        cross_origin=limits.cross_origin,
        sockets=streams.sockets,
        routes=[*routes, *(page.routes() if page else ())],
        lifespan=_closing(*parts, *audit, state=state),
    )
    gateway_app.state.engine = engine
    return gateway_app


class _Closes(Protocol):
    async def aclose(self) -> None: ...


def _closing(
    *parts: _Closes, state: Mapping[str, Any]
) -> Callable[[Starlette], AbstractAsyncContextManager[Mapping[str, Any]]]:
    """Give a lifespan that closes the parts, in their order, when it ends."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        try:
            yield state
        finally:
            for part in parts:
                await part.aclose()

    return lifespan


def connection_limits(settings: Settings) -> ConnectionLimits:
    """Give what the server of the application is to bound."""
    return ConnectionLimits(
        settings.connections,
        settings.client_timeout,
        message_bytes=settings.body_bytes if settings.subscriptions else 0,
    )
