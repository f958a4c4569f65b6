"""Everything in which a FHIR server may differ from the documented one, as data.

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
    """One misbehaviour, for the requests that fit it.

    `reset`, `slow_drip` and `truncated` spoil the real answer, so the request takes effect. The
    other kinds answer in the handler's place, unless `after` lets the request take effect first.
    """

    kind: FaultKind
    method: str | None = None
    """Only this method; any when absent."""
    path: str = "/Group"
    """Only paths that begin so."""
    pattern: str | None = None
    """Only where this regular expression is found in `path?query`."""
    times: Positive | None = None
    """For so many requests; for ever when absent."""
    status: Annotated[int, Meta(ge=200, le=599)] | None = None
    """The status of the answer: 500 for kind `status`, else 200, unless given."""
    retry_after: str | int | None = None
    """A `Retry-After` header: seconds or an HTTP date."""
    body: FaultBody = "operation-outcome"
    """What kind `status` sends."""
    after: bool = False
    """Let the request take effect, then answer so."""
    delay_ms: Count = 100
    """How long `slow_drip` waits before each piece."""
    chunk_bytes: Positive = 1
    """How large a piece of `slow_drip` is."""
    size_bytes: Positive = 64 * 1024 * 1024
    """How large `huge_body` is, and `gzip_bomb` once it is unpacked."""

    def __post_init__(self) -> None:
        """Refuse a pattern that is no regular expression (`ValueError`)."""
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
    """A comma list is one value, which nothing has."""
    member_parameter: bool = False
    """Take `member=Patient/x` in place of `patient=x`, and say so in the CapabilityStatement."""
    max_count: Positive = 100
    """The most groups on a page, whatever `_count` asks."""
    no_total: bool = False
    """Leave `Bundle.total` out."""
    no_links: bool = False
    """Leave `Bundle.link` out."""
    absolute_links: bool = False
    """Page links with scheme and host."""
    opaque_links: bool = False
    """Page links as `/Group?_getpages=<token>&_getpagesoffset=<n>`."""
    etag: bool = False
    """Send `ETag`, `meta.versionId` and `meta.lastUpdated`, and honour `If-Match`."""
    hidden_as_missing: bool = False
    """A group that the caller may not see is a 404, not a 403."""
    create_body: Body = "null"
    """What a create answers."""
    update_body: Body = "null"
    """What an update answers."""
    location: Location = "relative"
    """How `Location` is written; `http` is absolute with https turned into http."""
    keeps_omitted_members: bool = False
    """A member that an update leaves out stays."""
    deletes: bool = False
    """Have `DELETE /Group/{id}`, and say so in the CapabilityStatement."""
    ignores_elements: tuple[str, ...] = ()
    """Elements that a write cannot change, such as `active` or `member.period`."""
    latency_ms: Count = 0
    """Wait so long before each answer."""
    jitter_ms: Count = 0
    """And up to so much longer, by chance."""
    clock_skew_s: float = 0.0
    """How far the server's clock is ahead."""
    token_lifetime_s: Positive = 36_000
    """For how long a token from `/auth/token/` is good."""
    faults: tuple[FaultRule, ...] = ()
    """Misbehaviours; the first rule that fits and is not used up acts."""
