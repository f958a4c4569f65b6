"""Record spans with OpenTelemetry and export them by OTLP over HTTP (the extra `otel`).

The SDK's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_SERVICE_NAME` …) configure the
exporter. Attributes follow OpenTelemetry's semantic conventions for HTTP and GraphQL, without those
that could hold patient data: no document, no variables, no URL.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from random import random

import msgspec
from graphql import OperationDefinitionNode
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import (
    SERVICE_NAME,
    SERVICE_VERSION,
    OTELResourceDetector,
    Resource,
)
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.trace import SpanKind

from group_gateway import __version__
from group_gateway.events import Events
from group_gateway.observability.library_tracing import LibraryTracing
from group_gateway.observability.sampling import Sampling, unsampled_parent
from group_gateway.observability.span_export import SpanExport
from group_gateway.observability.span_recorder import Attributes, SpanRecorder
from group_gateway.trace_context import CURRENT, LINKED, TraceContext, names_trace
from group_gateway.tracing import NOTHING, RawHeaders, Span, Tracing, Within

_TYPE = re.compile(r"[A-Z][A-Za-z]{0,63}")
_LITERAL = frozenset({"_history", "_search"})
_LONGEST_NAME = 64
_TELLING = re.compile(r"\d{4}|(?=[A-Fa-f]*\d)[0-9A-Fa-f]{8}")
"""Matches what may be an id, a date or a number in an operation name, which may be generated."""


class OpenTelemetryTracing(Tracing):
    """Record spans and pass them to `exporter`, by default OTLP over HTTP."""

    def __init__(
        self,
        environment: Mapping[str, str],
        events: Events,
        exporter: SpanExporter | None = None,
    ) -> None:
        self._sampling = Sampling(environment)
        resource = _own_resource()
        self._processor = SpanExport(environment, events.spans_ended, exporter)
        self._rate = self._sampling.rate
        self._recorder = SpanRecorder(self._processor, resource, self._sampling.sampled_id)
        redis = RedisInstrumentor()
        if not redis.is_instrumented_by_opentelemetry:
            redis.instrument(tracer_provider=LibraryTracing(self._processor, resource))

    def begins_trace(self) -> bool:
        """Decide whether a request that names no trace is sampled.

        So one that is not sampled costs next to nothing.
        """
        return random() < self._rate  # noqa: S311 - no secret

    def parent(self, headers: RawHeaders) -> TraceContext | None:
        """Return the trace context that a request names, `sampled` as the sampler decides."""
        parent = super().parent(headers)
        if parent is None or parent.sampled == (kept := self._sampling.keeps(parent)):
            return parent
        return msgspec.structs.replace(parent, sampled=kept)

    def _is_sampled(self, headers: RawHeaders, parent: TraceContext | None) -> bool:
        """Return whether a request is sampled that names a trace, or else begins one."""
        if parent is not None:
            return parent.sampled
        return not names_trace(headers) or self._sampling.begins()

    def request(self, headers: RawHeaders, method: str, route: str) -> AbstractContextManager[Span]:
        """Record a request, if its trace is sampled."""
        parent = self.parent(headers)
        if not self._is_sampled(headers, parent):
            return NOTHING if parent is None else Within(parent)
        attributes: Attributes = {"http.request.method": method, "http.route": route}
        return self._recorder.span(f"{method} {route}", SpanKind.SERVER, attributes, parent)

    def ready_answer(self, headers: RawHeaders, route: str) -> None:
        """Record a request that got a ready response, if its trace is sampled."""
        parent = CURRENT.get()
        if self._is_sampled(headers, parent):
            attributes: Attributes = {
                "http.request.method": "POST",
                "http.route": route,
                "http.response.status_code": 200,
            }
            with self._recorder.span(f"POST {route}", SpanKind.SERVER, attributes, parent):
                pass

    def operation(self, definition: OperationDefinitionNode | None) -> AbstractContextManager[Span]:
        """Record the execution of an operation by its type and name."""
        current = CURRENT.get()
        if current is None or not current.sampled or definition is None:
            return NOTHING
        kind, name = definition.operation.value, definition.name
        attributes: Attributes = {"graphql.operation.type": kind}
        if name is not None and not _TELLING.search(name.value):
            attributes["graphql.operation.name"] = name.value[:_LONGEST_NAME]
        return self._recorder.span(kind, SpanKind.INTERNAL, attributes, current)

    def upstream_call(self, method: str, path: str) -> AbstractContextManager[Span]:
        """Record a call of the upstream by its method and the template of its path."""
        current = CURRENT.get()
        if current is None or not current.sampled:
            return NOTHING
        template = path_template(path)
        attributes: Attributes = {"http.request.method": method, "url.template": template}
        name, linked = f"{method} {template}", LINKED.get()
        return self._recorder.span(name, SpanKind.CLIENT, attributes, current, linked)

    def outgoing(self) -> tuple[tuple[str, str], ...]:
        """Return the headers by which an upstream call carries the current trace context.

        A call that belongs to no trace is passed on as unsampled, so that the upstream need not
        decide anew.
        """
        current = CURRENT.get()
        if current is None:
            return (("traceparent", unsampled_parent()),)
        return current.headers()

    async def aclose(self) -> None:
        """Export the remaining spans."""
        if RedisInstrumentor().is_instrumented_by_opentelemetry:
            RedisInstrumentor().uninstrument()
        await asyncio.to_thread(self._processor.finish)


def _own_resource() -> Resource:
    """Return what the spans are of. The variables' name and version go before the gateway's."""
    named = OTELResourceDetector().detect().attributes
    own = {SERVICE_NAME: "group-gateway", SERVICE_VERSION: __version__}
    return Resource.create({key: value for key, value in own.items() if not named.get(key)})


def path_template(path: str) -> str:
    """Return an upstream path without its query and whatever may name a resource or page."""
    first, *more = path.partition("?")[0].strip("/").split("/")
    if first not in {"", "metadata"} and not _TYPE.fullmatch(first):
        return "/{page}"  # a link of the upstream's own
    return "/" + "/".join([first, *(part if part in _LITERAL else "{id}" for part in more[:3])])
