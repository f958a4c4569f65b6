"""What is bounded, by how much, and what is said beyond."""

from group_gateway.config import Settings
from group_gateway.execution.document_limits import DocumentLimits
from group_gateway.execution.incremental import MOST_PAYLOADS
from group_gateway.groups.reading.group_reads import MOST_IDS
from group_gateway.groups.writing.input_validation import MOST_MEMBERS
from group_gateway.groups.writing.writes import LONGEST_QUEUE
from group_gateway.http.subscriptions.graphql_websocket import INIT_SECONDS
from group_gateway.http.subscriptions.socket_operations import MOST_AT_ONCE
from group_gateway.server.http_protocol import ConnectionLimits
from group_gateway.server.websocket_protocol import MOST_FRAMES

Row = tuple[str, str | float, str]
"""What is limited, the setting's name or the fixed bound, and what it is refused with."""

_FIXED_BODY_DEPTH = "about 1,000"  # the interpreter's own bound

ROWS: list[Row] = [
    (
        "Bytes of a request's headers, and of chunked framing",
        ConnectionLimits().header_bytes,
        "`HEADERS_TOO_LARGE`",
    ),
    ("Bytes of a body, after decoding", "body_bytes", "`BODY_TOO_LARGE`"),
    (
        "Megabytes of all bodies at once, without the first 64 KiB of each",
        "bodies_megabytes",
        "`OVERLOADED`",
    ),
    ("JSON nesting depth of a body", _FIXED_BODY_DEPTH, "`BODY_TOO_DEEP`"),
    ("Seconds to send a request, or to take a response", "client_timeout", "`REQUEST_TIMEOUT`"),
    ("Operations in an array", "batch_operations", "`BATCHING_DISABLED`, `BATCH_TOO_LARGE`"),
    ("Characters of a document", DocumentLimits().characters, "`QUERY_TOO_LARGE`"),
    ("Tokens of a document", "query_tokens", "`QUERY_TOO_LARGE`"),
    ("Levels of fields", "query_depth", "`QUERY_TOO_DEEP`"),
    ("Fields of a document, fragments expanded", "query_fields", "`TOO_MANY_FIELDS`"),
    ("Root fields of an operation", "query_root_fields", "`TOO_MANY_FIELDS`"),
    ("Aliases of an operation", "query_aliases", "`TOO_MANY_ALIASES`"),
    ("Directives of a document", "query_directives", "`TOO_MANY_DIRECTIVES`"),
    (
        "Parts of a response (`@defer`, `@stream`)",
        MOST_PAYLOADS,
        "Nothing: further parts are delivered with their parent",
    ),
    ("Ids in a filter, groups on a page", MOST_IDS, "`BAD_USER_INPUT`"),
    (
        "Members in a group, on a page of members",
        MOST_MEMBERS,
        "`BAD_USER_INPUT`, in a mutation an issue",
    ),
    ("Queued changes of one group", LONGEST_QUEUE, "`OVERLOADED`"),
    ("Upstream calls of an operation", "upstream_calls", "`TOO_MANY_UPSTREAM_CALLS`"),
    ("Seconds of an operation", "deadline", "`UPSTREAM_TIMEOUT`"),
    ("Megabytes of an upstream response", "upstream_megabytes", "`UPSTREAM_INVALID_RESPONSE`"),
    (
        "Megabytes of all upstream responses at once, without the first 64 KiB of each",
        "upstream_total_megabytes",
        "`OVERLOADED`",
    ),
    ("Queued upstream calls", "upstream_queue", "`OVERLOADED`"),
    ("Concurrent operations of a process", "operations", "`OVERLOADED`"),
    (
        "Connections of a process; the longest idle one is closed first",
        "connections",
        "`OVERLOADED`",
    ),
    ("Subscriptions and WebSockets of a process", "subscriptions_open", "`OVERLOADED`"),
    (
        "Subscriptions and WebSockets of a caller",
        "subscriptions_per_caller",
        "`TOO_MANY_SUBSCRIPTIONS`",
    ),
    ("Concurrent operations of a WebSocket", MOST_AT_ONCE, "`TOO_MANY_SUBSCRIPTIONS`"),
    ("Pings and fragments of a WebSocket per second", MOST_FRAMES, "Close code 1008"),
    ("Seconds until `connection_init` of a WebSocket", INIT_SECONDS, "Close code 4408"),
]


def page() -> str:
    """Return the page of limits."""
    rows = [_row(*row) for row in ROWS]
    return "\n".join([_HEAD, *rows, "", _FOOT, ""])


def _row(what: str, bound: str | float, refused: str) -> str:
    if isinstance(bound, str) and bound != _FIXED_BODY_DEPTH:
        default = getattr(Settings(), bound)
        return f"| {what} | {default:,.12g} | `{bound.upper()}` | {refused} |"
    shown = bound if isinstance(bound, str) else f"{bound:,g}"
    return f"| {what} | {shown} | | {refused} |"


_HEAD = """\
# Limits

Everything is bounded. A request beyond a limit is refused before the upstream is called, with its own code.
Nothing is truncated silently.

| Limit | Default | Setting (`GROUP_GATEWAY_…`) | Refused with |
|---|--:|---|---|"""

_FOOT = """\
With `extensions: {"cost": true}` in a request, `extensions.cost` of the response states the upstream calls. Rate limits by address
and `Strict-Transport-Security` belong to the proxy in front."""
