"""Records the gateway's own spans and passes each to the SDK's processor when it has ended.

The SDK's tracer takes several times as long, because it serves programs of any kind: it asks a
sampler, copies and checks the attributes, and locks a span for each change. A span of the gateway
is sampled before it begins, has a few attributes of known types, and belongs to one task.
"""

from collections.abc import Callable, Mapping, Sequence
from time import time_ns
from types import TracebackType
from typing import Any, Final

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

from group_gateway import __version__
from group_gateway.observability.sampling import new_span_id
from group_gateway.trace_context import CURRENT, TraceContext
from group_gateway.tracing import Span

_UNSET, _ERROR = Status(StatusCode.UNSET), Status(StatusCode.ERROR)
_SAMPLED, _UNSAMPLED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)
_MOST_ATTRIBUTES: Final = 8
"""More than any span here has."""
Attributes = dict[str, str | int]


class SpanRecorder:
    """Records spans of a resource for a processor. `new_trace_id` makes the ids of new traces."""

    def __init__(
        self, processor: SpanProcessor, resource: Resource, new_trace_id: Callable[[], int]
    ) -> None:
        self._processor = processor
        self._resource = _HashedResource(resource.attributes, resource.schema_url)
        self._new_trace_id = new_trace_id
        self._scope = InstrumentationScope("group_gateway", __version__)
        self._limits = SpanLimits()
        self._may_exceed = (
            self._limits.max_span_attribute_length is not None
            or (self._limits.max_span_attributes or 0) < _MOST_ATTRIBUTES
        )

    def span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        parent: TraceContext | None,
        linked: Sequence[TraceContext] = (),
    ) -> "RecordedSpan":
        """Return a span below `parent`, or the first one of a new trace."""
        if parent is None:
            own = TraceContext(
                f"{self._new_trace_id():032x}", new_span_id(), sampled=True, is_remote=False
            )
        else:
            own = TraceContext(
                parent.trace_id, new_span_id(), sampled=True, state=parent.state, is_remote=False
            )
        links = [Link(span_context(each)) for each in linked]
        return RecordedSpan(self, own, parent, name, kind, attributes, links)

    def record(self, span: "RecordedSpan") -> None:
        """Pass a span that ends now to the processor."""
        limits, links = self._limits, span.links
        attributes: Any = span.attributes
        if self._may_exceed:
            attributes = BoundedAttributes(
                limits.max_span_attributes,
                attributes,
                max_value_len=limits.max_span_attribute_length,
            )
        self._processor.on_end(
            ReadableSpan(
                name=span.name,
                context=span_context(span.context),
                parent=None if span.parent is None else span_context(span.parent),
                resource=self._resource,
                attributes=attributes,
                links=BoundedList.from_seq(limits.max_links, links) if links else (),
                kind=span.kind,
                status=span.status,
                start_time=span.began,
                end_time=time_ns(),
                instrumentation_scope=self._scope,
            )
        )


class RecordedSpan:
    """A span that begins and ends with the block that is run in it."""

    __slots__ = (
        "_recorder",
        "_token",
        "attributes",
        "began",
        "context",
        "kind",
        "links",
        "name",
        "parent",
        "status",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of a span
        self,
        recorder: SpanRecorder,
        context: TraceContext,
        parent: TraceContext | None,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        links: Sequence[Link],
    ) -> None:
        self._recorder = recorder
        self.context = context
        self.parent = parent
        self.name = name
        self.kind = kind
        self.attributes = attributes
        self.links = links
        self.status = _UNSET

    def set(self, name: str, value: str | int) -> None:
        """Add an attribute."""
        self.attributes[name] = value

    def fail(self, kind: str) -> None:
        """Mark the span as failed."""
        self.attributes["error.type"] = kind
        self.status = _ERROR

    def __enter__(self) -> Span:
        self._token = CURRENT.set(self.context)
        self.began = time_ns()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.fail(kind.__name__)
        CURRENT.reset(self._token)
        self._recorder.record(self)


class _HashedResource(Resource):
    """A resource whose hash is computed once: the exporter asks for it with each span."""

    def __init__(self, attributes: Mapping[str, Any], schema_url: str) -> None:
        super().__init__(attributes, schema_url)
        self._hash = super().__hash__()

    def __hash__(self) -> int:
        return self._hash


def span_context(place: TraceContext) -> SpanContext:
    """Return a trace context as the SDK has it."""
    return SpanContext(
        int(place.trace_id, 16),
        int(place.span_id, 16),
        is_remote=place.is_remote,
        trace_flags=_SAMPLED if place.sampled else _UNSAMPLED,
        trace_state=TraceState.from_header([place.state]) if place.state else None,
    )
