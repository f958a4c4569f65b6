"""W3C Trace Context: the trace that a request belongs to, in and out (W3C TR, level 1).

The gateway passes the context on to the upstream whether or not it records spans itself.
"""

import re
from collections.abc import Iterable
from contextvars import ContextVar

import msgspec

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_LONGEST_STATE = 512
"""Characters of `tracestate` that are passed on; W3C asks for 512 at least."""
_MOST_MEMBERS = 32
_MEMBER = re.compile(
    r"[a-z0-9][a-z0-9_*/-]{0,255}(@[a-z][a-z0-9_*/-]{0,13})?"
    r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)


class TraceContext(msgspec.Struct, frozen=True, gc=False):
    """The place in a trace: hexadecimal ids, the sampled flag, and vendors' state.

    `is_remote`: the span with that id is another service's.
    """

    trace_id: str
    span_id: str
    sampled: bool
    state: str = ""
    is_remote: bool = True

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that carry it."""
        parent = f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"
        own = ("traceparent", parent)
        return (own, ("tracestate", self.state)) if self.state else (own,)


CURRENT: ContextVar[TraceContext | None] = ContextVar("trace_context", default=None)
"""The context of the upstream calls made from here."""
LINKED: ContextVar[tuple[TraceContext, ...]] = ContextVar("linked_trace_contexts", default=())
"""Further operations that wait for the next upstream call."""


def link_operations(contexts: Iterable[TraceContext | None]) -> None:
    """Name the further operations that wait for the next calls."""
    LINKED.set(tuple({each for each in contexts if each is not None}))


def names_trace(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a request names a trace, be it well or badly."""
    for name, _ in headers:  # noqa: SIM110 - a generator costs more than all headers
        if name == b"traceparent":
            return True
    return False


def trace_context_of(headers: Iterable[tuple[bytes, bytes]]) -> TraceContext | None:
    """Return the context of a request's headers (names in lower case), None without a valid one.

    A `traceparent` that is repeated or malformed counts as absent (W3C Trace Context, 3.2).
    """
    parent, state = None, b""
    for name, value in headers:
        if name == b"traceparent":
            if parent is not None:
                return None
            parent = value
        elif name == b"tracestate":
            state += b"," + value if state else value
    return None if parent is None else parse_trace_context(parent, state)


def parse_trace_context(parent: bytes, state: bytes = b"") -> TraceContext | None:
    """Parse the values of `traceparent` and `tracestate`; None when the former is malformed."""
    match = _TRACEPARENT.fullmatch(parent.decode("latin-1").strip())
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more) or not trace_id.strip("0"):
        return None
    if not span_id.strip("0"):
        return None
    kept = _valid_state(state.decode("latin-1").strip()) if state else ""
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & 1), kept)


def _valid_state(text: str) -> str:
    """Return a `tracestate`, or nothing when it is none: then it must not be passed on (3.3.1)."""
    if len(text) > _LONGEST_STATE:
        return ""
    members = [member for part in text.split(",") if (member := part.strip(" \t"))]
    if len(members) > _MOST_MEMBERS or not all(map(_MEMBER.fullmatch, members)):
        return ""
    return ",".join(members)
