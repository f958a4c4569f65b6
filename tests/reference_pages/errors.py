"""What each error code means, and what helps."""

from collections.abc import Iterator

from group_gateway import errors

TEXTS = {
    "UNAUTHENTICATED": (
        "The token is missing or not accepted",
        "Send a valid `Authorization: Bearer …`",
    ),
    "NOT_FOUND": (
        "The resource does not exist, or this caller may not see it (HL7's interface only)",
        "Use another id",
    ),
    "FORBIDDEN": (
        "The upstream, or the scopes of the token, do not allow this",
        "Use a token with the scope",
    ),
    "BAD_USER_INPUT": ("An argument or a variable is wrong", "Read the message"),
    "CONFLICT": (
        "Somebody else changed the group first, where that can't be an issue",
        "Read again, then retry",
    ),
    "UPSTREAM_UNAVAILABLE": (
        (
            "The upstream, its token endpoint or the issuer's keys can't be reached, the upstream failed"
            " with a 5xx, or its circuit breaker is open"
        ),
        (
            "Retry, after `extensions.retryAfter` seconds where it is given. After a mutation, read the"
            " message first"
        ),
    ),
    "UPSTREAM_TIMEOUT": (
        "The upstream did not answer in time",
        "Ask for less, or retry. After a mutation, read the group first",
    ),
    "UPSTREAM_INVALID_RESPONSE": (
        "The upstream's response is not FHIR",
        "Run `group-gateway doctor`",
    ),
    "UPSTREAM_SEARCH_UNSUPPORTED": (
        "The upstream can't search by this, and has too many groups to filter here",
        "Narrow the filter",
    ),
    "TOO_MANY_UPSTREAM_CALLS": (
        "The operation needs more upstream calls than one operation may make",
        "Ask for fewer groups, or for smaller pages",
    ),
    "RATE_LIMITED": (
        "The upstream limits the rate of requests",
        "Wait `extensions.retryAfter` seconds",
    ),
    "OVERLOADED": (
        "The gateway is at a limit. Nothing was changed",
        "Wait `extensions.retryAfter` seconds",
    ),
    "INTERNAL_SERVER_ERROR": ("A bug of the gateway", "Report it with its `correlationId`"),
    "BAD_REQUEST": (
        "The HTTP request is not a GraphQL request, or not to `/graphql` (404)",
        "Read the message",
    ),
    "BODY_TOO_LARGE": ("The body has too many bytes (413)", "Send less at once"),
    "BODY_TOO_DEEP": (
        "The JSON of the body, or of a parameter of a GET, is nested too deeply",
        "Flatten the variables",
    ),
    "AUDIT_UNAVAILABLE": ("The audit log can't be written (503)", "Make room on its volume"),
    "BATCHING_DISABLED": ("The body is an array of operations", "Send each operation by itself"),
    "BATCH_TOO_LARGE": ("The array holds too many operations", "Send several arrays"),
    "CROSS_SITE_REQUEST": (
        "A page of another origin sent a GET, or opened a WebSocket (403)",
        (
            "Send a POST, or the header `apollo-require-preflight: true`. For a WebSocket, set"
            " `GROUP_GATEWAY_CORS_ORIGINS`"
        ),
    ),
    "HEADERS_TOO_LARGE": ("The headers have too many bytes (431)", "Send fewer cookies"),
    "METHOD_NOT_ALLOWED": (
        "A GET holds a mutation, or the method is another one (405)",
        "Send a POST",
    ),
    "NOT_ACCEPTABLE": (
        "The client accepts no JSON, or for a subscription no `text/event-stream` (406)",
        "Correct the `Accept` header",
    ),
    "PERSISTED_QUERY_HASH_MISMATCH": (
        "The document is not the one of this hash or id",
        "Send only one of them, or the right one",
    ),
    "PERSISTED_QUERY_NOT_FOUND": (
        "No document with this hash or id is known (200, as clients expect)",
        "Send the document along once",
    ),
    "PERSISTED_QUERY_NOT_SUPPORTED": (
        "Automatic persisted queries are off (200)",
        "Send documents",
    ),
    "REQUEST_TIMEOUT": ("The request did not arrive in time (408)", "Send it again"),
    "SUBSCRIPTIONS_DISABLED": (
        "The operation is a subscription, and subscriptions are off",
        "Set `GROUP_GATEWAY_SUBSCRIPTIONS=on`, or use queries",
    ),
    "TOO_MANY_SUBSCRIPTIONS": (
        "The caller has too many subscriptions open, or a WebSocket too many operations",
        "End some of them",
    ),
    "UNSUPPORTED_MEDIA_TYPE": (
        "The body is not JSON in UTF-8, or has an unknown content coding (415)",
        "Correct the `Content-Type` or `Content-Encoding` header",
    ),
    "UNTRUSTED_DOCUMENT": (
        "The document is not on the list of trusted documents (403)",
        "Roll out the list before the client",
    ),
    "GRAPHQL_PARSE_FAILED": ("The document is not GraphQL", "Read the message"),
    "GRAPHQL_VALIDATION_FAILED": ("The document does not fit the schema", "Read the message"),
    "QUERY_TOO_LARGE": (
        "The document has too many tokens or characters",
        "Send values as variables",
    ),
    "QUERY_TOO_DEEP": (
        "The operation has too many levels of fields, or of fragments",
        "Split the operation",
    ),
    "TOO_MANY_FIELDS": (
        "There are too many fields, in all or under one name",
        "Split the operation",
    ),
    "TOO_MANY_ALIASES": ("The operation has too many aliases", "Ask for lists of ids"),
    "TOO_MANY_DIRECTIVES": ("The document has too many directives", "Leave out fields instead"),
}


def codes() -> list[str]:
    """Return all codes that the gateway has: of failures first, then of refused requests."""
    kinds: list[type[errors.GatewayError]] = [errors.GatewayError]
    kinds += _descendants(errors.GatewayError)
    return list(dict.fromkeys([kind.code for kind in kinds] + list(errors.RequestCode)))


def _descendants(kind: type[errors.GatewayError]) -> Iterator[type[errors.GatewayError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def page() -> str:
    """Return the page of errors."""
    rows = [f"| `{code}` | {meaning} | {help_} |" for code, (meaning, help_) in TEXTS.items()]
    return "\n".join([_HEAD, *rows, ""])


_HEAD = """\
# Errors

Errors that the caller can correct are **data**: the `issues` of a mutation, each with `severity`, `code`, `details` and
`inputPath`. An `ERROR` means that nothing was changed, a `WARNING` that not everything was stored as requested, and `INFORMATION`
that there was nothing to do. The codes are FHIR's:

| Issue code | Meaning |
|---|---|
| `required`, `value`, `too-long`, `duplicate`, `code-invalid`, `invariant` | The input is wrong |
| `business-rule` | Such a group may not have this |
| `not-found` | There is no such group |
| `conflict` | The group has changed since it was read: read again |
| `incomplete` | The upstream stored only a part, or offers no concurrency control |
| `transient` | The outcome is uncertain: read again |
| `not-supported` | The upstream does not offer this |

An upstream that refuses a write may use other codes.

Everything else is a **GraphQL error** with `extensions.code`, at the path of its field. The rest of the response
is not affected. `extensions.correlationId` is the gateway's id of the request, as in the response header `x-correlation-id`, the log and the audit
log. `extensions.upstreamCorrelationId` is the upstream's own id, where it sent one.
`extensions.operationOutcome` holds the upstream's OperationOutcome of a 4xx. The text of a 5xx never reaches a caller.

| Code | Meaning | What helps |
|---|---|---|"""
