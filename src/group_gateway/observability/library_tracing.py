"""Spans of libraries that trace themselves, below the gateway's own.

A library gets a tracer that looks at the gateway's trace context. So it records what it does for a
request whose trace is sampled, and nothing else, and the gateway need not keep a second context.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, Span, StatusCode

from group_gateway.observability.span_recorder import span_context
from group_gateway.trace_context import CURRENT

_NO_SPAN: AbstractContextManager[Span] = nullcontext(trace.INVALID_SPAN)


class LibraryTracing(trace.TracerProvider):
    """Provides tracers whose spans have a resource and go to a processor."""

    def __init__(self, processor: SpanProcessor, resource: Resource) -> None:
        self._provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)

    def get_tracer(self, *args: Any, **options: Any) -> trace.Tracer:
        """Return a library's tracer."""
        return _LibraryTracer(self._provider.get_tracer(*args, **options))


class _LibraryTracer(trace.Tracer):
    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def start_span(  # type: ignore[override]
        self,
        name: str,
        context: Context | None = None,  # noqa: ARG002 - the gateway's is meant
        **options: Any,
    ) -> Span:
        """Start a span below the gateway's current one, if that is sampled."""
        current = CURRENT.get()
        if current is None or not current.sampled:
            return trace.INVALID_SPAN
        below = trace.set_span_in_context(NonRecordingSpan(span_context(current)), Context())
        return self._tracer.start_span(name, below, **options)

    def start_as_current_span(  # type: ignore[override]
        self, name: str, context: Context | None = None, **options: Any
    ) -> AbstractContextManager[Span]:
        """Run a block in such a span."""
        span = self.start_span(name, context, **options)
        return _block(span) if span.is_recording() else _NO_SPAN


@contextmanager
def _block(span: Span) -> Iterator[Span]:
    """Run a block in a span. A failure's message is not recorded, for it may hold anything."""
    try:
        yield span
    except BaseException as error:
        span.set_attribute("error.type", type(error).__name__)
        span.set_status(StatusCode.ERROR)
        raise
    finally:
        span.end()
