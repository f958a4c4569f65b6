"""Events of the gateway, for observers.

The core calls these methods and imports no adapter of `observability`. Arguments that become labels
have fixed sets of values: none holds an id, a query or other text from outside.
"""

from typing import Literal, Protocol

from group_gateway.operation import AuditRecord, RequestContext

SharedOutcome = Literal["ready", "joined"]
ExecutionOutcome = Literal["complete", "errors", "abandoned"]
RefusalOutcome = Literal["refused", "shed"]
PollOutcome = Literal["changed", "unchanged", "refused", "failed"]
AuditOutcome = Literal["written", "lost"]
SpanOutcome = Literal["exported", "lost"]
TrustedDocumentEvent = Literal["unlisted", "refused", "reloaded", "unreadable"]


class Events:
    """Observe nothing. An adapter overrides the methods of its events."""

    def request_ended(self, outcome: SharedOutcome | ExecutionOutcome | RefusalOutcome) -> None:
        """Observe a GraphQL request: shared with another one, executed, or refused."""

    def operation_executed(self, seconds: float) -> None:
        """Observe how long the execution of an operation took."""

    def plan_fallback(self, reason: str) -> None:
        """Observe a query that graphql-core executed because no plan could answer it."""

    def audit_records(self, outcome: AuditOutcome, number: int) -> None:
        """Observe records of the audit log that were written or lost."""

    def trusted_documents(self, event: TrustedDocumentEvent) -> None:
        """Observe a request for an unlisted document, or a change of the list."""

    def spans_ended(self, outcome: SpanOutcome, number: int) -> None:
        """Observe spans that a collector received, or that were lost."""

    def upstream_called(self, method: str, outcome: str, seconds: float) -> None:
        """Observe an upstream call: its HTTP method, and its status class or `failed`."""

    def upstream_retried(self, kind: str) -> None:
        """Observe a retry: of a `read` or a `search`."""

    def breaker(self, kind: str, *, is_open: bool) -> None:
        """Observe whether the breaker for a kind of calls is open."""

    def cache_looked_up(self, hits: int, misses: int) -> None:
        """Observe a lookup for an operation that is executed."""

    def cache_bypassed(self, *, is_bypassed: bool) -> None:
        """Observe whether the cache is bypassed, because it failed."""

    def polled(self, outcome: PollOutcome) -> None:
        """Observe a poll of a watched group or list."""

    def watched_groups(self, number: int) -> None:
        """Observe how many groups are watched now."""

    def watched_lists(self, number: int) -> None:
        """Observe how many lists of groups are watched now."""

    def open_subscriptions(self, number: int) -> None:
        """Observe how many subscriptions are open now."""

    def subscription_event(self) -> None:
        """Observe an event that was sent to a subscriber."""


NO_EVENTS = Events()
"""The observer for code that nobody observes."""


class RequestRecorder(Protocol):
    """Record requests one by one, with the caller and what was read and changed."""

    records_all: bool
    """Whether requests that succeed are recorded too."""

    @property
    def can_record(self) -> bool:
        """Whether a request that must be recorded can be recorded."""

    def digest(self, query: str) -> str:
        """Return the keyed digest of a document."""

    def answered(
        self, outcome: str, context: RequestContext, audit_record: AuditRecord, seconds: float
    ) -> None:
        """Record a request that was answered, or a subscription that has ended."""

    def refused(self, outcome: RefusalOutcome, code: str, context: RequestContext) -> None:
        """Record a request that was refused."""

    def event_sent(self, context: RequestContext, audit_record: AuditRecord) -> None:
        """Record an event of a subscription."""
