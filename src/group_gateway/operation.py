"""What every step of one GraphQL operation is told: who asks, until when, for how many calls."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from group_gateway.errors import (
    Forbidden,
    GatewayError,
    TooManyUpstreamCalls,
    Unauthenticated,
    UpstreamTimeout,
)
from group_gateway.trace_context import CURRENT, TraceContext

Interaction = Literal["create", "read", "update", "delete", "search"]
"""What one may do with groups, by FHIR's names (FHIR R4, section 3.1.0)."""
_MOST_UPSTREAM_IDS = 5
EVERY_INTERACTION: frozenset[Interaction] = frozenset(
    {"create", "read", "update", "delete", "search"}
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller that has been identified.

    `scope` is a keyed digest that stands for the caller in keys; equal scopes share in-flight
    work and cache entries, so callers with other `rights` have another. `authorization` is the
    header value that goes upstream, if any. `rights` is what the gateway itself lets the caller
    do with groups, and `readable` the types of other resources that it lets the caller read: `*`
    for all, None where only the upstream decides. The upstream may let it do less. `identity` says
    who it is, for the audit log alone; `until` is when the credential expires (seconds since the
    epoch); `fhir_user` is the reference of the resource that stands for who asks. All three are
    None where that is not known.
    """

    scope: str
    authorization: str | None = field(default=None, repr=False)
    rights: frozenset[Interaction] = EVERY_INTERACTION
    readable: frozenset[str] | None = None
    identity: Mapping[str, str] | None = field(default=None, repr=False, compare=False)
    until: float | None = field(default=None, compare=False)
    fhir_user: str | None = field(default=None, repr=False)

    def require(self, interaction: Interaction) -> None:
        """Raise Forbidden unless the caller may do this."""
        if interaction not in self.rights:
            raise Forbidden(f"The credential has no scope to {interaction} groups.")

    def require_read(self, type: str) -> None:
        """Raise Forbidden unless the caller may read resources of this type, other than Group."""
        if self.readable is not None and not self.readable & {type, "*"}:
            raise Forbidden(f"The credential has no scope user/{type}.read.")


@dataclass(frozen=True, slots=True)
class Anonymous:
    """A caller that was not identified. Fields that need a caller raise `kind` with `message`."""

    kind: type[GatewayError]
    message: str

    @property
    def scope(self) -> str:
        """What strangers share answers by. It has a blank, which no caller's scope has."""
        return f"stranger: {self.message}"


Principal = Caller | Anonymous


class ClientSoftware(msgspec.Struct, frozen=True):
    """What the program that asks says of itself and of the request, safe to be logged.

    Nothing is decided by it: anybody may say anything.
    """

    name: str = ""
    version: str = ""
    request_id: str = ""


NO_CLIENT = ClientSoftware()
UNKNOWN = Anonymous(Unauthenticated, "The caller has not been authenticated.")
"""Stands for a caller before it has been authenticated."""


class RequestContext(msgspec.Struct):
    """Who asks, as far as that is known, and by what the request is found in logs."""

    principal: Principal
    correlation_id: bytes
    client: ClientSoftware = NO_CLIENT


class CacheDependency(msgspec.Struct, frozen=True):
    """A cache entry that an answer was made from.

    It holds until its tag is invalidated after this position, and until `expires` (seconds since
    the epoch).
    """

    tag: str
    position: int
    expires: float


@dataclass(slots=True)
class AuditRecord:
    """What an operation did: its kind, root fields and document's digest, and how it ended.

    `read` are the ids of groups that it was given, and `<type>/<id>` of other resources; `written`
    are the groups that it changed or made, `attempted` those that it wanted to change.
    """

    kind: str = ""
    fields: tuple[str, ...] = ()
    document: str = ""
    codes: tuple[str, ...] = ()
    operation_name: str = ""
    upstream_ids: tuple[str, ...] = ()
    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    attempted: set[str] = field(default_factory=set)
    events: int | None = None
    """How many answers there were, if it was a subscription."""


class Operation(msgspec.Struct, eq=False):
    """One GraphQL operation under way.

    `deadline` is in the event loop's time (seconds); `calls_left` counts down as the operation
    causes upstream calls; `correlation_id` names it in errors and logs. `parts` is what its answer
    is made of, None once something was read that no cache can vouch for; `stale` is the age
    in seconds of the oldest part that was served although it is past its time, if there is one.
    """

    principal: Principal
    deadline: float
    calls_left: int
    correlation_id: str = ""
    parts: list[CacheDependency] | None = msgspec.field(default_factory=list)
    stale: float | None = None
    audit_record: AuditRecord | None = None
    """Kept only where somebody is told of it."""
    looks_inside: bool = True
    """Whether it may show elements that searches of some upstreams leave out."""
    trace: TraceContext | None = msgspec.field(default_factory=CURRENT.get)
    """The trace that the operation belongs to."""
    client: ClientSoftware = NO_CLIENT
    upstream_ids: list[str] = msgspec.field(default_factory=list)
    """The upstream's own correlation ids of what failed, a few of them."""

    @property
    def context(self) -> RequestContext:
        """Who asks, and by what it is found in logs."""
        return RequestContext(self.principal, self.correlation_id.encode(), self.client)

    @property
    def caller(self) -> Caller:
        """The caller, whom every cache key and upstream call needs. Raises if anonymous."""
        if isinstance(self.principal, Anonymous):
            raise self.principal.kind(self.principal.message)
        return self.principal

    def depends_on(self, part: CacheDependency | None) -> None:
        """Record a cache entry that this response depends on. None makes it uncacheable."""
        if part is None:
            self.parts = None
        elif self.parts is not None:
            self.parts.append(part)

    def depends_on_stale(self, age: float) -> None:
        """Record an expired entry that this response depends on, read `age` seconds ago."""
        self.depends_on(None)
        self.stale = max(age, self.stale or 0.0)

    def note_upstream_id(self, id: str | None) -> None:
        """Note the upstream's correlation id of something that failed, if it has sent one."""
        if (
            id is not None
            and id not in self.upstream_ids
            and len(self.upstream_ids) < _MOST_UPSTREAM_IDS
        ):
            self.upstream_ids.append(id)

    def record_read(self, names: Iterable[str]) -> None:
        """Record for the audit log that this caller was given these resources."""
        if self.audit_record is not None:
            self.audit_record.read.update(names)

    def record_attempt(self, id: str) -> None:
        """Record for the audit log that a change of this group is attempted."""
        if self.audit_record is not None:
            self.audit_record.attempted.add(id)

    def record_written(self, id: str) -> None:
        """Record for the audit log that this group was changed or made."""
        if self.audit_record is not None:
            self.audit_record.written.add(id)

    def remaining(self) -> float:
        """Return the seconds left; raises UpstreamTimeout when there are none."""
        seconds = self.deadline - asyncio.get_running_loop().time()
        if seconds <= 0:
            raise UpstreamTimeout("The operation's time was up before the upstream had answered.")
        return seconds

    def abandon(self) -> None:
        """Ask the upstream for nothing more: nobody waits for the answer."""
        self.calls_left = 0

    def charge(self) -> None:
        """Count one upstream call; raises TooManyUpstreamCalls when the budget is used up."""
        if self.calls_left <= 0:
            raise TooManyUpstreamCalls(
                "The operation needs more upstream calls than one operation may make."
                " Ask for fewer groups or smaller pages."
            )
        self.calls_left -= 1
