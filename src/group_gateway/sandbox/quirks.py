"""Every difference of a FHIR server from the documented one, as data.

`SandboxOptions.quirks` sets them at start, `PUT /sandbox/quirks` at run time. The defaults are the
upstream as its publisher describes it.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

Body = Literal["null", "empty", "full"]
Location = Literal["relative", "absolute", "history", "absolute-history", "http", "none"]
FaultBody = Literal["operation-outcome", "html", "empty", "text", "broken-json"]
FaultKind = Literal[
    "status",
    "reset",
    "hang",
    "slow_drip",
    "truncated",
    "not_json",
    "html",
    "empty",
    "wrong_resource_type",
    "huge_body",
    "gzip_bomb",
    "null",
]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultRule:
    """One fault, for the requests that match.

    `reset`, `slow_drip` and `truncated` spoil the real response, so the request takes effect. The
    other kinds respond in the handler's place, unless `after` lets the request take effect first.
    """

    kind: FaultKind
    method: str | None = None
    """Only this method; any when absent."""
    path: str = "/Group"
    """Only paths with this prefix."""
    pattern: str | None = None
    """Only where this regular expression is found in `path?query`."""
    times: Positive | None = None
    """For this many requests; for ever when absent."""
    status: Annotated[int, Meta(ge=200, le=599)] | None = None
    """The status of the response: by default 500 for kind `status`, else 200."""
    retry_after: str | int | None = None
    """A `Retry-After` header: seconds or an HTTP date."""
    body: FaultBody = "operation-outcome"
    """What kind `status` sends."""
    after: bool = False
    """Execute the request, then send this response."""
    delay_ms: Count = 100
    """How long `slow_drip` waits before each piece."""
    chunk_bytes: Positive = 1
    """How large a piece of `slow_drip` is."""
    size_bytes: Positive = 64 * 1024 * 1024
    """How large `huge_body` is, and `gzip_bomb` once it is unpacked."""

    def __post_init__(self) -> None:
        """Refuse an invalid regular expression (`ValueError`)."""
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"`pattern` is no regular expression: {error}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Quirks:
    """How the sandbox behaves; every field's default is the documented upstream."""

    ignore_parameters: tuple[str, ...] = ()
    """Search parameters that have no effect and are not echoed, as unknown ones."""
    refuse_comma_lists: bool = False
    """A comma in `_id`, `type` or a member parameter is a 400."""
    comma_lists_literal: bool = False
    """A comma list is one value, which no group has."""
    member_parameter: bool = False
    """Support `member=Patient/x` in place of `patient=x`, and declare it in the
    CapabilityStatement."""
    max_count: Positive = 100
    """The most groups on a page, whatever `_count` requests."""
    no_total: bool = False
    """Omit `Bundle.total`."""
    no_links: bool = False
    """Omit `Bundle.link`."""
    absolute_links: bool = False
    """Page links with scheme and host."""
    opaque_links: bool = False
    """Page links as `/Group?_getpages=<token>&_getpagesoffset=<n>`."""
    etag: bool = False
    """Send `ETag`, `meta.versionId` and `meta.lastUpdated`, and honour `If-Match`."""
    hidden_as_missing: bool = False
    """A group that the caller may not see is a 404, not a 403."""
    create_body: Body = "null"
    """The body of the response to a create."""
    update_body: Body = "null"
    """The body of the response to an update."""
    location: Location = "relative"
    """How `Location` is written; `http` is absolute with https turned into http."""
    keeps_omitted_members: bool = False
    """Keep a member that an update omits."""
    deletes: bool = False
    """Support `DELETE /Group/{id}`, and declare it in the CapabilityStatement."""
    ignores_elements: tuple[str, ...] = ()
    """Elements that a write cannot change, such as `active` or `member.period`."""
    latency_ms: Count = 0
    """Wait before each response."""
    jitter_ms: Count = 0
    """Wait randomly up to this much longer."""
    clock_skew_s: float = 0.0
    """How far the server's clock is ahead."""
    token_lifetime_s: Positive = 36_000
    """How long a token from `/auth/token/` is valid."""
    faults: tuple[FaultRule, ...] = ()
    """Faults; the first rule that matches and is not used up applies."""
