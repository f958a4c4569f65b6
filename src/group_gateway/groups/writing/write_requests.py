"""A change that an operation requests, and its outcome."""

import asyncio
from dataclasses import dataclass, field

from group_gateway.errors import GatewayError
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.operation_outcome import Issue
from group_gateway.groups.reading.loading.pending_result import PendingResult
from group_gateway.groups.writing.changes import Change
from group_gateway.operation import Caller, Operation


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a write: the group now, None when there is none, and issues.

    `status` is the upstream's, where it refused the write.
    """

    group: GroupResource | None
    issues: tuple[Issue, ...] = ()
    status: int | None = None

    @property
    def is_refused(self) -> bool:
        """Whether nothing was written."""
        return any(issue.severity in {"fatal", "error"} for issue in self.issues)


@dataclass(eq=False, slots=True)
class WriteRequest:
    """A change that an operation asked for; without a caller there is none (Unauthenticated).

    `based_on` is the version that it must find, and `bound_by` the input's field that says so; a
    change that does not rebase is bound to the first version that it meets. `warnings` are on this
    attempt, and `warned` of attempts before it that were stored. `sent`: a write with it may have
    had an effect. `abandoned`: nobody waits for it, and no write may begin for it.
    """

    operation: Operation
    change: Change
    based_on: str | None = None
    bound_by: tuple[str, ...] = field(init=False)
    caller: Caller = field(init=False)
    pending: PendingResult[Outcome] = field(init=False)
    warnings: list[Issue] = field(default_factory=list)
    warned: list[Issue] = field(default_factory=list)
    sent: bool = False
    abandoned: bool = False

    def __post_init__(self) -> None:
        self.bound_by = () if self.based_on is None else ("ifVersion",)
        self.caller = self.operation.caller
        self.pending = PendingResult(self.operation)

    @property
    def lease_timeout(self) -> float:
        """How many seconds it may wait for the lease: half of those that it has left."""
        return (self.operation.deadline - asyncio.get_running_loop().time()) / 2

    @property
    def joins_others(self) -> bool:
        """Whether it may share a PUT with others."""
        change = self.change
        return change.rebases and not change.deletes and self.based_on is None


def noted(failure: GatewayError, note: str) -> GatewayError:
    """Return a failure of the same kind with more details for the caller."""
    said = type(failure)(
        f"{failure.message} {note}",
        correlation_id=failure.correlation_id,
        issues=failure.issues,
        retry_after=failure.retry_after,
        no_effect=failure.no_effect,
    )
    said.status = failure.status
    return said
