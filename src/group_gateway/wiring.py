"""Builds each part of the application from the settings that concern it."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import httpx
from starlette.routing import BaseRoute

from group_gateway.cache.store import CacheStore
from group_gateway.cache_wiring import build_cache
from group_gateway.config import Settings
from group_gateway.digests import DigestKeys
from group_gateway.events import Events
from group_gateway.execution.document_limits import DocumentLimits
from group_gateway.execution.engine import Engine
from group_gateway.http.cors import CrossOriginPolicy
from group_gateway.http.forwarded import TrustedProxies
from group_gateway.http.graphiql import GraphiQL
from group_gateway.http.persisted.persisted_documents import PersistedDocuments
from group_gateway.http.persisted.trusted_documents import TrustedDocuments
from group_gateway.http.request_limits import RequestLimits
from group_gateway.http.subscriptions.transports import StreamLimits
from group_gateway.identity.authentication import build_account, build_authenticator
from group_gateway.identity.authenticator import Authenticator, ReloadableAuthenticator
from group_gateway.observability.audit import AuditLog
from group_gateway.observability.otel_variables import without_effect
from group_gateway.observability.probes import Readiness, liveness_route
from group_gateway.observability.prometheus_metrics import PrometheusMetrics
from group_gateway.observability.request_log import RequestLog
from group_gateway.observability.sampling import is_switched_off
from group_gateway.observability.worker_group import WorkerGroup
from group_gateway.schema.context import Services
from group_gateway.schema.federated_schema import build_schema
from group_gateway.tracing import Tracing
from group_gateway.upstream.client import GroupClient
from group_gateway.upstream.extra_headers import parse_extra_headers
from group_gateway.upstream.json_endpoint import JsonEndpoint
from group_gateway.upstream.resilience.resilient_client import Resilience
from group_gateway.upstream.service_account import ServiceAccount
from group_gateway.upstream.transport.httpx_transport import UpstreamTransport
from group_gateway.use_case_wiring import build_services

_log = logging.getLogger(__name__)
_MEGABYTE = 1024 * 1024
_FHIR_FROM_PAGE = "fhir/$graphql"
"""HL7's interface as seen from GraphiQL: relative, for both may lie below a proxy's path."""


def build_identity_endpoint(
    settings: Settings, network: httpx.AsyncBaseTransport
) -> Callable[..., JsonEndpoint]:
    """Return a factory of JSON endpoints of the token server and the issuer."""
    return partial(JsonEndpoint, transport=network, timeout=settings.upstream_timeout)


def build_audit_logs(settings: Settings, events: Events) -> list[AuditLog]:
    """Return the audit log, if there is to be one."""
    return [AuditLog(Path(settings.audit_file), events)] if settings.audit_file else []


def build_cross_origin_policy(settings: Settings) -> CrossOriginPolicy:
    """Return what pages of other sites may send."""
    headers = filter(None, map(str.strip, settings.cors_headers.lower().split(",")))
    proxies = TrustedProxies.of(settings.trusted_proxies)
    return CrossOriginPolicy(settings.origins(), frozenset(headers), proxies)


def build_stream_limits(settings: Settings) -> StreamLimits:
    """Return the limits of subscriptions."""
    return StreamLimits(
        offered=settings.subscriptions,
        open=settings.subscriptions_open,
        per_caller=settings.subscriptions_per_caller,
        cross_origin=build_cross_origin_policy(settings),
    )


def build_request_limits(settings: Settings) -> RequestLimits:
    """Return the limits of requests."""
    return RequestLimits(
        body=settings.body_bytes,
        bodies=settings.bodies_megabytes * _MEGABYTE,
        seconds=settings.deadline,
        upstream_calls=settings.upstream_calls,
        batch=settings.batch_operations,
        operations=settings.operations,
        cross_origin=build_cross_origin_policy(settings),
        subscriptions=settings.subscriptions,
    )


def build_persisted_documents(settings: Settings, events: Events) -> PersistedDocuments:
    """Return the persisted and trusted documents."""
    path = settings.trusted_documents
    return PersistedDocuments(
        events,
        automatic=settings.persisted_queries,
        trusted=TrustedDocuments(Path(path), events) if path else None,
        mode=settings.trusted_documents_mode,
    )


def build_group_client(
    settings: Settings,
    transport: httpx.AsyncBaseTransport,
    events: Events,
    tracing: Tracing,
    account: ServiceAccount | None,
) -> GroupClient:
    """Return the client of the upstream."""
    return GroupClient(
        settings.upstream_url,
        transport,
        call_timeout=settings.upstream_timeout,
        events=events,
        tracing=tracing,
        resilience=Resilience(settings.upstream_retries, settings.upstream_rest),
        account=account,
        headers=parse_extra_headers(settings.upstream_headers),
    )


class Closes(Protocol):
    """What is to be closed when the application ends."""

    async def aclose(self) -> None:
        """Close it."""


@dataclass(frozen=True)
class Core:
    """What every way into the gateway shares, whatever protocol it speaks.

    `parts` are closed in their order when the application ends.
    """

    metrics: PrometheusMetrics
    tracing: Tracing
    client: GroupClient
    cache: CacheStore
    engine: Engine
    services: Services
    authenticator: ReloadableAuthenticator
    build_authenticator: Callable[[Settings], Authenticator]
    parts: Sequence[Closes]


def build_core(
    settings: Settings,
    keys: DigestKeys,
    transport: httpx.AsyncBaseTransport | None,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
) -> Core:
    """Return the core; `transport` stands in for the network to the upstream and the issuer."""
    metrics = PrometheusMetrics()
    tracing = build_tracing(settings, metrics)
    identity_network = transport or build_identity_network(settings)
    identity_endpoint = build_identity_endpoint(settings, identity_network)
    account = build_account(settings, settings.upstream_url, identity_endpoint)
    network = transport or build_upstream_network(settings)
    client = build_group_client(settings, network, metrics, tracing, account)
    cache, leases = build_cache(settings, keys, metrics, monotonic)
    services = build_services(settings, client, cache, leases, keys, metrics)
    authenticate = partial(build_authenticator, keys=keys, endpoint=identity_endpoint, clock=clock)
    return Core(
        metrics=metrics,
        tracing=tracing,
        client=client,
        cache=cache,
        engine=build_engine(settings, services, metrics, tracing),
        services=services,
        authenticator=ReloadableAuthenticator(authenticate(settings)),
        build_authenticator=authenticate,
        parts=(
            services.watches,
            services.list_watches,
            services.writes,
            client,
            identity_network,
            cache,
            tracing,
        ),
    )


def build_probes(core: Core, request_log: RequestLog, workers: WorkerGroup) -> list[BaseRoute]:
    """Return the routes of the probes."""
    readiness = Readiness(
        client=core.client,
        authenticator=core.authenticator,
        request_log=request_log,
        metrics=core.metrics,
        workers=workers,
        cache=core.cache,
    )
    return [liveness_route(), readiness.route()]


def build_tracing(settings: Settings, events: Events) -> Tracing:
    """Return what records spans, or else passes trace contexts on. Raises ImportError."""
    if not settings.opentelemetry:
        if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
            _log.info("No spans are recorded: GROUP_GATEWAY_OPENTELEMETRY is off.")
        return Tracing()
    if is_switched_off(os.environ):
        return Tracing()
    if names := without_effect(os.environ):
        _log.warning("These variables have no effect: %s.", ", ".join(names))
    # An extra: what is not installed must not be needed.
    from group_gateway.observability.opentelemetry import OpenTelemetryTracing  # noqa: PLC0415

    return OpenTelemetryTracing(os.environ, events)


def build_document_limits(settings: Settings) -> DocumentLimits:
    """Return the limits of documents."""
    return DocumentLimits(
        tokens=settings.query_tokens,
        depth=settings.query_depth,
        fields=settings.query_fields,
        root_fields=settings.query_root_fields,
        aliases=settings.query_aliases,
        directives=settings.query_directives,
        introspection=settings.introspection,
        hide_suggestions=not settings.introspection,
    )


def build_engine(
    settings: Settings, services: Services, events: Events, tracing: Tracing
) -> Engine:
    """Return the engine that executes operations."""
    limits = build_document_limits(settings)
    schema = build_schema(
        incremental=settings.incremental_delivery,
        with_people=settings.resolve_members == "upstream",
    )
    return Engine(
        schema, services, limits, compiled=settings.compiled, events=events, tracing=tracing
    )


def build_upstream_network(settings: Settings) -> UpstreamTransport:
    """Return the transport to the upstream."""
    return UpstreamTransport(
        max_connections=settings.upstream_connections,
        max_waiting=settings.upstream_queue,
        max_body=settings.upstream_megabytes * _MEGABYTE,
        max_bodies=settings.upstream_total_megabytes * _MEGABYTE,
        ca_file=settings.upstream_ca_file or None,
    )


def build_identity_network(settings: Settings) -> UpstreamTransport:
    """Return the way to the token endpoint and the callers' issuer."""
    return UpstreamTransport(
        max_connections=4, max_body=_MEGABYTE, ca_file=settings.upstream_ca_file or None
    )


def build_page(settings: Settings, token: str | None) -> GraphiQL | None:
    """Return the page that a browser sees, if there is to be one."""
    if not settings.graphiql:
        return None
    fhir = _FHIR_FROM_PAGE if settings.fhir_graphql else None
    return GraphiQL(token=token, subscriptions=settings.subscriptions, fhir=fhir)
