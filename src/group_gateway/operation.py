"""One GraphQL operation: its caller, deadline, budget of upstream calls, and audit record."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import msgspec

from group_gateway.errors import (
    Forbidden,
    GatewayError,
    TooManyUpstreamCalls,
    Unauthenticated,
    UpstreamTimeout,
)
from group_gateway.fhir.group_elements import RESOURCE_ELEMENTS
from group_gateway.trace_context import CURRENT, TraceContext

Interaction = Literal["create", "read", "update", "delete", "search"]
"""Interactions with groups, by FHIR's names (FHIR R4, section 3.1.0)."""
EVERY_INTERACTION: frozenset[Interaction] = frozenset(get_args(Interaction))
_MOST_UPSTREAM_IDS = 5


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller.

    `scope` is a keyed digest of the caller, used in keys; equal scopes share in-flight work and
    cache entries, so callers with different `rights` have different scopes. `authorization` is the
    header value to send upstream, if any. `rights` are the interactions with groups that the
    gateway allows, and `readable` the other resource types that it allows to read: `*` for all,
    None where only the upstream decides. The upstream may allow less. `identity` names the caller
    for the audit log; `until` is when the credential expires (seconds since the epoch); `fhir_user`
    is the reference of the caller's own resource. All three are None where unknown.
    """

    scope: str
    authorization: str | None = field(default=None, repr=False)
    rights: frozenset[Interaction] = EVERY_INTERACTION
    readable: frozenset[str] | None = None
    identity: Mapping[str, str] | None = field(default=None, repr=False, compare=False)
    until: float | None = field(default=None, compare=False)
    fhir_user: str | None = field(default=None, repr=False)

    def require(self, interaction: Interaction) -> None:
        """Raise Forbidden unless the caller has this right."""
        if interaction not in self.rights:
            raise Forbidden(f"The credential has no scope to {interaction} groups.")

    def require_read(self, type: str) -> None:
        """Raise Forbidden unless the caller may read resources of this type, other than Group."""
        if self.readable is not None and not self.readable & {type, "*"}:
            raise Forbidden(f"The credential has no scope user/{type}.read.")


@dataclass(frozen=True, slots=True)
class Anonymous:
    """A caller that is not authenticated. Fields that need a caller raise `kind` with `message`."""

    kind: type[GatewayError]
    message: str

    @property
    def scope(self) -> str:
        """The scope of anonymous callers. It has a blank, which no other scope has."""
        return f"anonymous caller: {self.message}"


Principal = Caller | Anonymous


class ClientSoftware(msgspec.Struct, frozen=True):
    """The client's name and version and the request's id, as the client states them.

    The values are safe to log. No decision depends on them.
    """

    name: str = ""
    version: str = ""
    request_id: str = ""


NO_CLIENT = ClientSoftware()
UNKNOWN = Anonymous(Unauthenticated, "The caller has not been authenticated.")
"""The caller of a request that has not been authenticated yet."""


class RequestContext(msgspec.Struct):
    """The caller of a request, and the ids by which logs name it."""

    principal: Principal
    correlation_id: bytes
    client: ClientSoftware = NO_CLIENT


class CacheDependency(msgspec.Struct, frozen=True):
    """A cache entry that a response depends on.

    It is valid until its tag is invalidated after this position, and until `expires` by the cache's
    clock.
    """

    tag: str
    position: int
    expires: float


@dataclass(slots=True)
class AuditRecord:
    """What an operation did: its kind, root fields and document's digest, and how it ended.

    `read` has the ids of groups in the response, and `<type>/<id>` of other resources; `written`
    the groups that the operation changed or made, `attempted` those that it was to change.
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
    """The number of results, if it was a subscription."""


class Operation(msgspec.Struct, eq=False):
    """One GraphQL operation.

    `deadline` is in the event loop's time (seconds); `calls_left` is the remaining budget of
    upstream calls; `correlation_id` names the operation in errors and logs. `dependencies` are the
    cache entries of the response, None if it must not be cached; `stale` is the age in seconds of
    the oldest expired entry that was served, if any.
    """

    principal: Principal
    deadline: float
    calls_left: int
    correlation_id: str = ""
    dependencies: list[CacheDependency] | None = msgspec.field(default_factory=list)
    stale: float | None = None
    audit_record: AuditRecord | None = None
    """The audit record, if operations are recorded."""
    elements: frozenset[str] = RESOURCE_ELEMENTS
    """The elements of groups that it may select."""
    trace: TraceContext | None = msgspec.field(default_factory=CURRENT.get)
    """The trace context that the operation belongs to."""
    client: ClientSoftware = NO_CLIENT
    upstream_ids: list[str] = msgspec.field(default_factory=list)
    """The upstream's correlation ids of failed calls, a few of them."""

    @property
    def context(self) -> RequestContext:
        """The caller, and the ids for logs."""
        return RequestContext(self.principal, self.correlation_id.encode(), self.client)

    @property
    def caller(self) -> Caller:
        """The caller, whom every cache key and upstream call needs. Raises if anonymous."""
        if isinstance(self.principal, Anonymous):
            raise self.principal.kind(self.principal.message)
        return self.principal

    def depends_on(self, dependency: CacheDependency | None) -> None:
        """Record a cache entry that this response depends on. None makes it uncacheable."""
        if dependency is None:
            self.dependencies = None
        elif self.dependencies is not None:
            self.dependencies.append(dependency)

    def depends_on_stale(self, age: float) -> None:
        """Record an expired entry that this response depends on, read `age` seconds ago."""
        self.depends_on(None)
        self.stale = max(age, self.stale or 0.0)

    def note_upstream_id(self, id: str | None) -> None:
        """Record the upstream's correlation id of a failed call, if it sent one."""
        if (
            id is not None
            and id not in self.upstream_ids
            and len(self.upstream_ids) < _MOST_UPSTREAM_IDS
        ):
            self.upstream_ids.append(id)

    def record_read(self, names: Iterable[str]) -> None:
        """Record for the audit log that the response holds these resources."""
        if self.audit_record is not None:
            self.audit_record.read.update(names)

    def record_attempt(self, id: str) -> None:
        """Record for the audit log that this group is to be changed."""
        if self.audit_record is not None:
            self.audit_record.attempted.add(id)

    def record_written(self, id: str) -> None:
        """Record for the audit log that this group was changed or made."""
        if self.audit_record is not None:
            self.audit_record.written.add(id)

    def remaining(self) -> float:
        """Return the seconds left; raise UpstreamTimeout when there are none."""
        seconds = self.deadline - asyncio.get_running_loop().time()
        if seconds <= 0:
            raise UpstreamTimeout("The operation's deadline passed before the upstream responded.")
        return seconds

    def abandon(self) -> None:
        """Prevent further upstream calls, because the client has left."""
        self.calls_left = 0

    def charge(self) -> None:
        """Count one upstream call; raise TooManyUpstreamCalls when the budget is used up."""
        if self.calls_left <= 0:
            raise TooManyUpstreamCalls(
                "The operation needs more upstream calls than one operation may make."
                " Ask for fewer groups or smaller pages."
            )
        self.calls_left -= 1
