"""What the gateway traces: requests, operations, and calls of the upstream.

`Tracing` passes callers' trace contexts on and records nothing. An adapter that records spans has
the same methods.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from graphql import OperationDefinitionNode

from group_gateway.trace_context import CURRENT, TraceContext, trace_context_of

RawHeaders = Sequence[tuple[bytes, bytes]]


class Span(Protocol):
    """A span that is being recorded, or the stand-in for one that isn't."""

    def set(self, name: str, value: str | int) -> None:
        """Add an attribute, which must not hold text of a request, a name, an id or a token."""

    def fail(self, kind: str) -> None:
        """Mark the span as failed; `kind` is a code or the name of a class, never a message."""


class _NoSpan:
    def set(self, name: str, value: str | int) -> None:
        """Do nothing."""

    def fail(self, kind: str) -> None:
        """Do nothing."""


NO_SPAN = _NoSpan()
NOTHING: AbstractContextManager[Span] = nullcontext(NO_SPAN)
"""The context manager of an untraced block. It has no state, so one is enough."""


class Tracing:
    """Records no spans. Callers' trace contexts still reach the upstream and the log."""

    def begins_trace(self) -> bool:
        """Decide whether spans are recorded for a request that names no trace."""
        return False

    def context(self, headers: RawHeaders) -> AbstractContextManager[Span]:
        """Make what is done within the block part of the trace that a request names."""
        parent = self.parent(headers)
        return NOTHING if parent is None else Within(parent)

    def parent(self, headers: RawHeaders) -> TraceContext | None:
        """Return the trace context that a request names, as it is passed on."""
        return trace_context_of(headers)

    def request(self, headers: RawHeaders, method: str, route: str) -> AbstractContextManager[Span]:  # noqa: ARG002 - for adapters
        """Trace what is done for a request within the block."""
        return self.context(headers)

    def ready_answer(self, headers: RawHeaders, route: str) -> None:
        """Trace a request that was answered at once; must be called within its `context`."""

    def operation(
        self,
        definition: OperationDefinitionNode | None,  # noqa: ARG002 - for adapters
    ) -> AbstractContextManager[Span]:
        """Trace the execution of an operation."""
        return NOTHING

    def upstream_call(self, method: str, path: str) -> AbstractContextManager[Span]:  # noqa: ARG002 - for adapters
        """Trace a call of the upstream. `path` may hold ids, which must not be recorded."""
        return NOTHING

    def outgoing(self) -> tuple[tuple[str, str], ...]:
        """Return the headers by which an upstream call carries the current trace context."""
        current = CURRENT.get()
        return () if current is None else current.headers()

    async def aclose(self) -> None:
        """Send what is still to be sent."""


NO_TRACING = Tracing()


class Within:
    """Makes a trace context the current one within a block."""

    __slots__ = ("_context", "_token")

    def __init__(self, context: TraceContext) -> None:
        self._context = context

    def __enter__(self) -> Span:
        self._token = CURRENT.set(self._context)
        return NO_SPAN

    def __exit__(self, *_: object) -> None:
        CURRENT.reset(self._token)
