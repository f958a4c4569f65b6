"""Record spans with OpenTelemetry and export them by OTLP over HTTP (the extra `otel`).

The SDK's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_SERVICE_NAME` …) configure the
exporter. Attributes follow OpenTelemetry's semantic conventions for HTTP and GraphQL, without those
that could hold patient data: no document, no variables, no URL.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from graphql import OperationDefinitionNode
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState

from group_gateway import __version__
from group_gateway.observability.sampling import Sampling, unsampled_parent
from group_gateway.trace_context import (
    CURRENT,
    LINKED,
    TraceContext,
)
from group_gateway.tracing import NOTHING, RawHeaders, Span, Tracing, Within

_TYPE = re.compile(r"[A-Z][A-Za-z]{0,63}")
_LITERAL = frozenset({"_history", "_search"})
_LONGEST_NAME = 64
_TELLING = re.compile(r"\d{4}|(?=[A-Fa-f]*\d)[0-9A-Fa-f]{8}")
"""Matches what may be an id, a date or a number in an operation name, which may be generated."""


class _Recorded:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def set(self, name: str, value: str | int) -> None:
        self._span.set_attribute(name, value)

    def fail(self, kind: str) -> None:
        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR)


class _SampledIds(RandomIdGenerator):
    """Make ids of traces that begin here, of which only the sampled ones are recorded."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling

    def generate_trace_id(self) -> int:
        """Return an id by which other services that sample by a ratio decide likewise."""
        return self._sampling.sampled_id()


class OpenTelemetryTracing(Tracing):
    """Record spans and pass them to `exporter`, by default OTLP over HTTP."""

    def __init__(
        self, environment: Mapping[str, str], exporter: SpanExporter | None = None
    ) -> None:
        self._sampling = Sampling(environment)
        own = {SERVICE_VERSION: __version__}
        if "OTEL_SERVICE_NAME" not in environment:
            own[SERVICE_NAME] = "group-gateway"
        resource = Resource.create(own)
        processor = BatchSpanProcessor(exporter or OTLPSpanExporter())
        ids = _SampledIds(self._sampling)
        self._provider = TracerProvider(
            ALWAYS_ON, resource, shutdown_on_exit=False, id_generator=ids
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("group_gateway", __version__)
        # Libraries trace what they do for a request whose trace is kept, and nothing else.
        libraries = TracerProvider(ParentBased(ALWAYS_OFF), resource, shutdown_on_exit=False)
        libraries.add_span_processor(processor)
        redis = RedisInstrumentor()
        if not redis.is_instrumented_by_opentelemetry:
            redis.instrument(tracer_provider=libraries)

    def concerns(self, headers: RawHeaders) -> bool:
        """Return whether a request names a trace, or else is sampled.

        So a request that names none and is not sampled costs next to nothing.
        """
        for name, _ in headers:
            if name == b"traceparent":
                return True
        return self._sampling.begins()

    def parent(self, headers: RawHeaders) -> TraceContext | None:
        """Return the trace context that a request names, `sampled` as the sampler decides."""
        parent = super().parent(headers)
        if parent is None or parent.sampled == (kept := self._sampling.keeps(parent)):
            return parent
        return replace(parent, sampled=kept)

    def _is_sampled(self, headers: RawHeaders, parent: TraceContext | None) -> bool:
        """Return whether a request that is concerned is sampled."""
        if parent is not None:
            return parent.sampled
        return not super().concerns(headers) or self._sampling.begins()

    def request(self, headers: RawHeaders, method: str, route: str) -> AbstractContextManager[Span]:
        """Record a request that is concerned, if its trace is sampled."""
        parent = self.parent(headers)
        if not self._is_sampled(headers, parent):
            return NOTHING if parent is None else Within(parent)
        attributes = {"http.request.method": method, "http.route": route}
        return self._span(f"{method} {route}", SpanKind.SERVER, attributes, parent)

    def ready_answer(self, headers: RawHeaders, route: str) -> None:
        """Record a request that is concerned and got a ready response."""
        parent = CURRENT.get()
        if self._is_sampled(headers, parent):
            attributes: dict[str, str | int] = {
                "http.request.method": "POST",
                "http.route": route,
                "http.response.status_code": 200,
            }
            self._tracer.start_span(
                f"POST {route}", _below(parent), SpanKind.SERVER, attributes
            ).end()

    def operation(self, definition: OperationDefinitionNode | None) -> AbstractContextManager[Span]:
        """Record the execution of an operation by its type and name."""
        current = CURRENT.get()
        if current is None or not current.sampled or definition is None:
            return NOTHING
        kind, name = definition.operation.value, definition.name
        attributes = {"graphql.operation.type": kind}
        if name is not None and not _TELLING.search(name.value):
            attributes["graphql.operation.name"] = name.value[:_LONGEST_NAME]
        return self._span(kind, SpanKind.INTERNAL, attributes, current)

    def upstream_call(self, method: str, path: str) -> AbstractContextManager[Span]:
        """Record a call of the upstream by its method and the template of its path."""
        current = CURRENT.get()
        if current is None or not current.sampled:
            return NOTHING
        template = path_template(path)
        attributes = {"http.request.method": method, "url.template": template}
        return self._span(f"{method} {template}", SpanKind.CLIENT, attributes, current)

    def outgoing(self, headers: dict[str, str]) -> dict[str, str]:
        """Return the headers of an upstream call with the current trace context.

        A call that belongs to no trace is passed on as unsampled, so that the upstream need not
        decide anew.
        """
        current = CURRENT.get()
        if current is None:
            return {**headers, "traceparent": unsampled_parent()}
        return {**headers, **current.headers()}

    async def aclose(self) -> None:
        """Export the remaining spans."""
        if RedisInstrumentor().is_instrumented_by_opentelemetry:
            RedisInstrumentor().uninstrument()
        await asyncio.to_thread(self._provider.shutdown)

    @contextmanager
    def _span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, str],
        parent: TraceContext | None,
    ) -> Iterator[Span]:
        links = LINKED.get() if kind is SpanKind.CLIENT else ()
        span = self._tracer.start_span(
            name,
            context=_below(parent),
            kind=kind,
            attributes=dict(attributes),
            links=[Link(_remote(each)) for each in links],
        )
        token = CURRENT.set(_context_of(span.get_span_context()))
        outer = otel_context.attach(trace.set_span_in_context(span))  # for instrumented libraries
        recorded = _Recorded(span)
        try:
            yield recorded
        except BaseException as error:
            recorded.fail(type(error).__name__)
            raise
        finally:
            otel_context.detach(outer)
            CURRENT.reset(token)
            span.end()


def path_template(path: str) -> str:
    """Return an upstream path without its query and whatever may name a resource or page."""
    first, *more = path.partition("?")[0].strip("/").split("/")
    if first not in {"", "metadata"} and not _TYPE.fullmatch(first):
        return "/{page}"  # a link of the upstream's own
    return "/" + "/".join([first, *(part if part in _LITERAL else "{id}" for part in more[:3])])


def _context_of(own: SpanContext) -> TraceContext:
    return TraceContext(
        trace.format_trace_id(own.trace_id),
        trace.format_span_id(own.span_id),
        sampled=True,
        state=own.trace_state.to_header(),
    )


def _below(parent: TraceContext | None) -> otel_context.Context:
    root = otel_context.Context()
    if parent is None:
        return root
    return trace.set_span_in_context(trace.NonRecordingSpan(_remote(parent)), root)


def _remote(place: TraceContext) -> SpanContext:
    return SpanContext(
        int(place.trace_id, 16),
        int(place.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if place.sampled else TraceFlags.DEFAULT),
        trace_state=TraceState.from_header([place.state]) if place.state else None,
    )
