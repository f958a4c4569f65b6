"""The composition root: settings in, ASGI application out. Everything that lives is made here."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import httpx
from starlette.applications import Starlette
from starlette.routing import Route

from group_gateway.cache.backend import Backend, memory_backend, redis_backend
from group_gateway.cache.leases import Leases, NoLeases, RedisLeases
from group_gateway.cache.sealed_values import ValueEncryptor, ValueSigner
from group_gateway.cache.store import CacheStore
from group_gateway.config import Settings
from group_gateway.digests import DigestKeys
from group_gateway.execution.document_limits import DocumentLimits
from group_gateway.execution.engine import Engine
from group_gateway.groups.reading.cache_slots import CacheSlots
from group_gateway.groups.reading.capabilities import UpstreamCapabilities
from group_gateway.groups.reading.capability_probe import CapabilityReader
from group_gateway.groups.reading.group_fetcher import Lifetimes
from group_gateway.groups.reading.group_reads import GroupReads
from group_gateway.groups.reading.invalidation import Invalidator
from group_gateway.groups.reading.loader import GroupLoader
from group_gateway.groups.reading.search_pages import SearchPages
from group_gateway.groups.watching.watches import GroupWatches
from group_gateway.groups.writing.writes import GroupWrites
from group_gateway.http.endpoint import Endpoint
from group_gateway.http.gateway_app import (
    END_SUBSCRIPTIONS,
    ENDPOINT_PATH,
    TRACK_CONNECTIONS,
    GatewayApp,
)
from group_gateway.http.graphiql import GraphiQL
from group_gateway.http.metrics import metrics_route
from group_gateway.http.negotiation import Negotiation
from group_gateway.http.persisted.persisted_documents import PersistedDocuments
from group_gateway.http.persisted.trusted_documents import TrustedDocuments
from group_gateway.http.pipeline import RequestPipeline
from group_gateway.http.probes import probe_routes
from group_gateway.http.request_limits import RequestLimits
from group_gateway.http.subscriptions.streams import StreamLimits, build_streams
from group_gateway.identity.authentication import build_account, build_authenticator
from group_gateway.observability.audit import AuditLog
from group_gateway.observability.request_log import RequestLog
from group_gateway.observability.telemetry import Telemetry
from group_gateway.schema.context import Services
from group_gateway.schema.federated_schema import build_schema
from group_gateway.server.http_protocol import ConnectionLimits
from group_gateway.upstream.client import GroupClient
from group_gateway.upstream.json_endpoint import JsonEndpoint
from group_gateway.upstream.resilience.resilient_client import Resilience
from group_gateway.upstream.service_account import ServiceAccount
from group_gateway.upstream.transport.httpx_transport import UpstreamTransport

_MEGABYTE = 1024 * 1024


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
    identity_network = transport or _identity_network(settings)
    identity_endpoint = _identity_endpoint(settings, identity_network)
    account = build_account(settings, settings.upstream_url, identity_endpoint)
    client = _client(settings, transport or _network(settings), telemetry, account)
    backend = _backend(settings, keys)
    cache = _cache(settings, backend, clock, telemetry)
    services = _services(settings, client, cache, _leases(backend), keys, telemetry)
    engine = _engine(settings, services)
    page = None
    if settings.graphiql:
        page = GraphiQL(token=page_token, subscriptions=settings.subscriptions)
    audit = _audit(settings, telemetry)
    request_log = RequestLog(keys, settings.log_requests, *audit, required=settings.audit_required)
    limits = _limits(settings)
    documents = _persisted(settings, telemetry)
    pipeline = RequestPipeline(engine, limits, cache, telemetry, request_log, documents)
    callers = build_authenticator(settings, keys, identity_endpoint, clock)
    places = _stream_limits(settings)
    streams = build_streams(places, engine, pipeline, callers, request_log, telemetry)
    negotiation = Negotiation(settings.router_key, parts=settings.incremental_delivery)
    endpoint = Endpoint(pipeline, callers, limits, page, negotiation, streams.events)
    endpoint_route = Route(ENDPOINT_PATH, endpoint.get, methods=["GET", "POST"])
    routes = [*probe_routes(client, request_log, telemetry), metrics_route(telemetry)]
    parts: list[_Closes] = [services.watches, services.writes, client, identity_network, cache]
    state = {
        END_SUBSCRIPTIONS: streams.end,
        TRACK_CONNECTIONS: pipeline.admission.track_connections,
    }
    gateway_app = GatewayApp(
        endpoint,
        origins=settings.origins(),
        sockets=streams.sockets,
        routes=[endpoint_route, *(page.routes() if page else ()), *routes],
        lifespan=_closing(*parts, *audit, state=state),
    )
    gateway_app.state.engine = engine
    return gateway_app


def _identity_endpoint(
    settings: Settings, network: httpx.AsyncBaseTransport
) -> Callable[..., JsonEndpoint]:
    return partial(JsonEndpoint, transport=network, timeout=settings.upstream_timeout)


def _audit(settings: Settings, telemetry: Telemetry) -> list[AuditLog]:
    """Give the audit log, if there is to be one."""
    return [AuditLog(Path(settings.audit_file), telemetry)] if settings.audit_file else []


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


def _stream_limits(settings: Settings) -> StreamLimits:
    return StreamLimits(
        offered=settings.subscriptions,
        open=settings.subscriptions_open,
        per_caller=settings.subscriptions_per_caller,
        origins=settings.origins(),
    )


def _limits(settings: Settings) -> RequestLimits:
    return RequestLimits(
        body=settings.body_bytes,
        bodies=settings.bodies_megabytes * _MEGABYTE,
        seconds=settings.deadline,
        upstream_calls=settings.upstream_calls,
        batch=settings.batch_operations,
        operations=settings.operations,
        origins=settings.origins(),
        subscriptions=settings.subscriptions,
    )


def _persisted(settings: Settings, telemetry: Telemetry) -> PersistedDocuments:
    path = settings.trusted_documents
    return PersistedDocuments(
        telemetry,
        automatic=settings.persisted_queries,
        trusted=TrustedDocuments(Path(path), telemetry) if path else None,
        mode=settings.trusted_documents_mode,
    )


def _client(
    settings: Settings,
    transport: httpx.AsyncBaseTransport,
    telemetry: Telemetry,
    account: ServiceAccount | None,
) -> GroupClient:
    return GroupClient(
        settings.upstream_url,
        transport,
        call_timeout=settings.upstream_timeout,
        telemetry=telemetry,
        resilience=Resilience(settings.upstream_retries, settings.upstream_rest),
        account=account,
    )


def _engine(settings: Settings, services: Services) -> Engine:
    limits = DocumentLimits(
        tokens=settings.query_tokens,
        depth=settings.query_depth,
        fields=settings.query_fields,
        root_fields=settings.query_root_fields,
        aliases=settings.query_aliases,
        directives=settings.query_directives,
        introspection=settings.introspection,
        hide_suggestions=not settings.introspection,
    )
    compiled = settings.compiled
    return Engine(
        build_schema(incremental=settings.incremental_delivery), services, limits, compiled=compiled
    )


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        group=settings.cache_ttl,
        search=min(settings.cache_search_ttl, settings.cache_ttl),
        absence=min(settings.cache_absence_ttl, settings.cache_ttl),
    )


def _network(settings: Settings) -> UpstreamTransport:
    return UpstreamTransport(
        max_connections=settings.upstream_connections,
        max_waiting=settings.upstream_queue,
        max_body=settings.upstream_megabytes * _MEGABYTE,
        max_bodies=settings.upstream_total_megabytes * _MEGABYTE,
        ca_file=settings.upstream_ca_file or None,
    )


def _identity_network(settings: Settings) -> UpstreamTransport:
    """Give the way to the token endpoint and the callers' issuer."""
    return UpstreamTransport(
        max_connections=4, max_body=_MEGABYTE, ca_file=settings.upstream_ca_file or None
    )


def _cache(
    settings: Settings, backend: Backend, clock: Callable[[], float], telemetry: Telemetry
) -> CacheStore:
    return CacheStore(
        backend,
        max_ttl=settings.cache_ttl,
        stale=settings.cache_stale,
        wall_clock=clock,
        telemetry=telemetry,
    )


def _backend(settings: Settings, keys: DigestKeys) -> Backend:
    if settings.cache_url.startswith("memory:"):
        return memory_backend(
            max_entries=settings.cache_entries, max_bytes=settings.cache_megabytes * _MEGABYTE
        )
    signer = ValueEncryptor(keys) if settings.cache_encryption else ValueSigner(keys)
    return redis_backend(settings.cache_url, signer, timeout=settings.cache_timeout)


def _leases(backend: Backend) -> Leases:
    return NoLeases() if backend.evaluate is None else RedisLeases(backend.evaluate)


def _services(  # noqa: PLR0913, PLR0917 - all that the use cases take
    settings: Settings,
    client: GroupClient,
    cache: CacheStore,
    leases: Leases,
    keys: DigestKeys,
    telemetry: Telemetry,
) -> Services:
    lifetimes = _lifetimes(settings)
    capabilities = UpstreamCapabilities()
    slots = CacheSlots(keys, client.base_url)
    loader = GroupLoader(client, cache, slots, capabilities, lifetimes)
    pages = SearchPages(client, cache, slots, lifetime=lifetimes.search)
    invalidator = Invalidator(cache, slots, loader, pages)
    reads = GroupReads(loader, pages, CapabilityReader(client, capabilities), keys)
    return Services(
        reads=reads,
        writes=GroupWrites(client, capabilities, invalidator, slots, leases),
        invalidator=invalidator,
        watches=GroupWatches(
            client,
            reads,
            invalidator,
            telemetry,
            interval=settings.subscription_interval,
            patience=settings.upstream_timeout,
        ),
        keys=keys,
        upstream_url=client.base_url,
    )
