"""Puts together what answers subscriptions."""

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
    """How many subscriptions, and WebSockets, are open at once: in a process, and of one caller.

    `cross_origin` says which other sites' pages may open a WebSocket; `offered` whether there are
    any.
    """

    offered: bool
    open: int
    per_caller: int
    cross_origin: CrossOriginPolicy = field(default_factory=CrossOriginPolicy)


@dataclass(frozen=True, slots=True)
class Streams:
    """What answers subscriptions if they are offered, and what ends them all."""

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
    """Build it. Opens nothing."""
    most, of_one = limits.open, limits.per_caller
    places = SubscriptionLimit("subscriptions", most, of_one, report.subscriptions_open)
    all_sockets, of_callers = (
        SubscriptionLimit("WebSockets", most, each) for each in (most, of_one)
    )
    subscriptions = Subscriptions(engine, pipeline, callers, report, places)
    events = EventStreams(subscriptions, pipeline)
    policy = limits.cross_origin
    sockets = WebSocketEndpoint(subscriptions, pipeline, all_sockets, of_callers, policy)
    end = subscriptions.ending.set
    return Streams(events, sockets, end) if limits.offered else Streams(None, None, end)
