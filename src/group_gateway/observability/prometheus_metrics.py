"""Metrics for Prometheus: what happens, never to whom.

Labels have fixed sets of values: none holds an identifier, a query or other text from outside.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from group_gateway.events import (
    AuditOutcome,
    Events,
    PollOutcome,
    SpanOutcome,
    TrustedDocumentEvent,
)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class _Durations:
    """A histogram of seconds; prometheus_client's own takes a lock and ten times as long."""

    def __init__(self) -> None:
        self.total = 0.0
        self._counts = [0] * (len(_SECONDS) + 1)

    def add(self, seconds: float) -> None:
        self.total += seconds
        self._counts[bisect_left(_SECONDS, seconds)] += 1

    def buckets(self) -> list[tuple[str, float]]:
        """Return the cumulative count of each bucket."""
        return list(zip((*map(str, _SECONDS), "+Inf"), accumulate(self._counts), strict=True))


class PrometheusMetrics(Events, Collector):
    """The counters of one process, as a collector of prometheus-client."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, ...], float] = defaultdict(float)
        self._plan_fallbacks: dict[tuple[str, ...], float] = defaultdict(float)
        self._audited: dict[tuple[str, ...], float] = defaultdict(float)
        self._spans: dict[tuple[str, ...], float] = defaultdict(float)
        self._calls: dict[tuple[str, ...], float] = defaultdict(float)
        self._seconds: dict[tuple[str, ...], _Durations] = {(): _Durations()}
        self._upstream_seconds: dict[tuple[str, ...], _Durations] = defaultdict(_Durations)
        self._retries: dict[tuple[str, ...], float] = defaultdict(float)
        self._breakers: dict[str, bool] = {}
        self._lookups: dict[tuple[str, ...], float] = defaultdict(float)
        self._cache_bypassed = False
        self._polls: dict[tuple[str, ...], float] = defaultdict(float)
        self._watched = 0
        self._watched_lists = 0
        self._subscriptions = 0
        self._events: dict[tuple[str, ...], float] = defaultdict(float)
        self._trusted: dict[tuple[str, ...], float] = defaultdict(float)

    def request_ended(self, outcome: str) -> None:
        """Count a GraphQL request by its outcome.

        Outcomes are `ready`, `joined`, `complete`, `errors`, `abandoned`, `refused` and `shed`.
        """
        self._requests[outcome,] += 1

    def operation_executed(self, seconds: float) -> None:
        """Record how long an operation took."""
        self._seconds[()].add(seconds)

    def plan_fallback(self, reason: str) -> None:
        """Count a query that graphql-core executed because no plan could answer it."""
        self._plan_fallbacks[reason,] += 1

    def audit_records(self, outcome: AuditOutcome, number: int) -> None:
        """Count records of the audit log: `written` or `lost`."""
        self._audited[outcome,] += number

    def spans_ended(self, outcome: SpanOutcome, number: int) -> None:
        """Count spans of OpenTelemetry: `exported` or `lost`. Only one thread may call this."""
        self._spans[outcome,] += number

    def upstream_called(self, method: str, outcome: str, seconds: float) -> None:
        """Count an upstream call: its HTTP method, and its status class or failure."""
        self._calls[method, outcome] += 1
        self._upstream_seconds[method, outcome].add(seconds)

    def upstream_retried(self, kind: str) -> None:
        """Count a retried call: `read` or `search`."""
        self._retries[kind,] += 1

    def trusted_documents(self, event: TrustedDocumentEvent) -> None:
        """Count an event of trusted documents.

        `unlisted` and `refused` are requests, `reloaded` and `unreadable` reads of the list.
        """
        self._trusted[event,] += 1

    def polled(self, outcome: PollOutcome) -> None:
        """Count a poll: `changed`, `unchanged`, `refused` or `failed`."""
        self._polls[outcome,] += 1

    def watched_groups(self, number: int) -> None:
        """Record how many groups are watched."""
        self._watched = number

    def watched_lists(self, number: int) -> None:
        """Record how many lists of groups are watched."""
        self._watched_lists = number

    def open_subscriptions(self, number: int) -> None:
        """Record how many subscriptions are open."""
        self._subscriptions = number

    def subscription_event(self) -> None:
        """Count an event of a subscription."""
        self._events[()] += 1

    def breaker(self, kind: str, *, is_open: bool) -> None:
        """Record whether the breaker for a kind of calls is open."""
        self._breakers[kind] = is_open

    def cache_looked_up(self, hits: int, misses: int) -> None:
        """Count the cache lookups of executed operations."""
        self._lookups["hit",] += hits
        self._lookups["miss",] += misses

    def cache_bypassed(self, *, is_bypassed: bool) -> None:
        """Record whether the cache is bypassed, because it failed."""
        self._cache_bypassed = is_bypassed

    @property
    def open_breakers(self) -> list[str]:
        """The kinds of calls whose breaker is open."""
        return [kind for kind, is_open in self._breakers.items() if is_open]

    def collect(self) -> Iterable[Metric]:
        """Yield the metric families."""
        yield from self._of_requests()
        yield from self._of_the_upstream()
        yield from self._of_failures()
        yield from self._of_subscriptions()

    def _of_requests(self) -> Iterable[Metric]:
        yield _family(
            "group_gateway_requests",
            "GraphQL requests by how they ended.",
            ["outcome"],
            self._requests,
        )
        yield _histogram(
            "group_gateway_operation_seconds",
            "Execution time of operations, in seconds.",
            [],
            self._seconds,
        )
        yield _family(
            "group_gateway_plan_fallbacks",
            "Queries that graphql-core executed instead of a compiled plan, by reason.",
            ["reason"],
            self._plan_fallbacks,
        )
        yield _family(
            "group_gateway_audit_records",
            "Records of the audit log by outcome.",
            ["outcome"],
            self._audited,
        )
        yield _family(
            "group_gateway_trusted_documents",
            "Requests for unlisted documents, and reloads of the list.",
            ["event"],
            self._trusted,
        )
        yield _family(
            "group_gateway_spans",
            "Spans for OpenTelemetry by what became of them.",
            ["outcome"],
            self._spans,
        )

    def _of_the_upstream(self) -> Iterable[Metric]:
        yield _family(
            "group_gateway_upstream_calls",
            "Upstream calls.",
            ["method", "outcome"],
            self._calls,
        )
        yield _histogram(
            "group_gateway_upstream_seconds",
            "Duration of upstream calls, in seconds.",
            ["method", "outcome"],
            self._upstream_seconds,
        )
        yield _family(
            "group_gateway_upstream_retries",
            "Retries of upstream calls.",
            ["kind"],
            self._retries,
        )
        yield _family(
            "group_gateway_cache_lookups",
            "Cache lookups by outcome.",
            ["outcome"],
            self._lookups,
        )

    def _of_failures(self) -> Iterable[Metric]:
        breakers = GaugeMetricFamily(
            "group_gateway_upstream_breaker_open",
            "1 while the circuit breaker for calls of this kind is open.",
            labels=["kind"],
        )
        for kind, is_open in self._breakers.items():
            breakers.add_metric([kind], is_open)
        yield breakers
        yield GaugeMetricFamily(
            "group_gateway_cache_left_alone",
            "1 while the cache is bypassed, because it failed.",
            value=self._cache_bypassed,
        )

    def _of_subscriptions(self) -> Iterable[Metric]:
        for name, text, number in (
            ("subscriptions_open", "Open subscriptions.", self._subscriptions),
            ("watched_groups", "Groups with subscribers.", self._watched),
            ("watched_lists", "Lists with subscribers.", self._watched_lists),
        ):
            yield GaugeMetricFamily(f"group_gateway_{name}", text, value=number)
        yield _family(
            "group_gateway_subscription_events", "Events of subscriptions.", [], self._events
        )
        yield _family(
            "group_gateway_polls",
            "Polls of groups and lists with subscribers, by outcome.",
            ["outcome"],
            self._polls,
        )


def _family(
    name: str, text: str, labels: list[str], counts: dict[tuple[str, ...], float]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in counts.items():
        family.add_metric(list(values), count)
    return family


def _histogram(
    name: str, text: str, labels: list[str], durations: Mapping[tuple[str, ...], _Durations]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, one in durations.items():
        family.add_metric(list(values), one.buckets(), one.total)
    return family
