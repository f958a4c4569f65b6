"""Puts together what answers subscriptions. Used by `app`."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from group_gateway.access.callers import Callers
from group_gateway.execution.engine import Engine
from group_gateway.telemetry import Telemetry
from group_gateway.web.answering import Answering
from group_gateway.web.journal import Journal
from group_gateway.web.streaming.eventstream import EventStreams
from group_gateway.web.streaming.places import Places
from group_gateway.web.streaming.sockets import Sockets
from group_gateway.web.streaming.subscriptions import Subscriptions


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How many subscriptions, and WebSockets, are open at once: in a process, and of one caller.

    `origins` are other sites whose pages may open a WebSocket; `offered` whether there are any.
    """

    offered: bool
    open: int
    per_caller: int
    origins: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Streams:
    """What answers subscriptions if they are offered, and what ends them all."""

    events: EventStreams | None
    sockets: Sockets | None
    end: Callable[[], None]


def build_streams(  # noqa: PLR0913, PLR0917 - all that answering takes
    limits: StreamLimits,
    engine: Engine,
    answering: Answering,
    callers: Callers,
    journal: Journal,
    telemetry: Telemetry,
) -> Streams:
    """Build it. Opens nothing."""
    most, of_one = limits.open, limits.per_caller
    places = Places("subscriptions", most, of_one, telemetry.subscribed)
    all_sockets, of_callers = (Places("WebSockets", most, each) for each in (most, of_one))
    subscriptions = Subscriptions(engine, answering, callers, journal, telemetry, places)
    events = EventStreams(subscriptions, answering)
    sockets = Sockets(subscriptions, answering, all_sockets, of_callers, limits.origins)
    end = subscriptions.ending.set
    return Streams(events, sockets, end) if limits.offered else Streams(None, None, end)
