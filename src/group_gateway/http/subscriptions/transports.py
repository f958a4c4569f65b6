"""Build the subscription transports."""

from collections.abc import Callable
from dataclasses import dataclass, field

from group_gateway.execution.engine import Engine
from group_gateway.http.cors import CrossOriginPolicy
from group_gateway.http.operation_report import OperationReport
from group_gateway.http.pipeline import RequestPipeline
from group_gateway.http.subscriptions.event_stream import EventStreams
from group_gateway.http.subscriptions.open_subscriptions import Subscriptions
from group_gateway.http.subscriptions.subscription_limit import SubscriptionLimit
from group_gateway.http.subscriptions.websocket_endpoint import WebSocketEndpoint
from group_gateway.identity.authenticator import Authenticator


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Open subscriptions and WebSockets: at most in a process, and per caller.

    `cross_origin` is the policy for other sites' pages. `offered` is whether there are any
    subscriptions.
    """

    offered: bool
    open: int
    per_caller: int
    cross_origin: CrossOriginPolicy = field(default_factory=CrossOriginPolicy)


@dataclass(frozen=True, slots=True)
class Streams:
    """The subscription transports, if they are offered, and the function that ends all."""

    events: EventStreams | None
    sockets: WebSocketEndpoint | None
    end: Callable[[], None]


def build_streams(
    limits: StreamLimits,
    engine: Engine,
    pipeline: RequestPipeline,
    callers: Authenticator,
    report: OperationReport,
) -> Streams:
    """Build the transports. Opens nothing."""
    most, of_one = limits.open, limits.per_caller
    open_subscriptions = SubscriptionLimit("subscriptions", most, of_one, report.subscriptions_open)
    open_sockets, sockets_of_callers = (
        SubscriptionLimit("WebSockets", most, each) for each in (most, of_one)
    )
    subscriptions = Subscriptions(engine, pipeline, callers, report, open_subscriptions)
    events = EventStreams(subscriptions, pipeline)
    policy = limits.cross_origin
    sockets = WebSocketEndpoint(subscriptions, pipeline, open_sockets, sockets_of_callers, policy)
    end = subscriptions.ending.set
    return Streams(events, sockets, end) if limits.offered else Streams(None, None, end)
