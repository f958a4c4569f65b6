"""What every step of one GraphQL operation is told: who asks, until when, for how many calls."""

import asyncio
from dataclasses import dataclass, field

from group_gateway.errors import TooManyUpstreamCalls, Unauthenticated, UpstreamTimeout


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    `scope` is a keyed digest that stands for the caller in keys; equal scopes share in-flight
    work and cache entries. `authorization` is the header value that goes upstream, if any.
    """

    scope: str
    authorization: str | None = field(default=None, repr=False)


@dataclass(slots=True, eq=False)
class Operation:
    """One GraphQL operation under way.

    `asker` is None for a request without a credential where one is needed. `deadline` is in the
    event loop's time (seconds); `calls_left` counts down as the operation causes upstream calls;
    `correlation_id` names it in errors and logs.
    """

    asker: Caller | None
    deadline: float
    calls_left: int
    correlation_id: str = ""

    @property
    def caller(self) -> Caller:
        """Who asks; raises Unauthenticated when nobody said. Every key and call needs it."""
        if self.asker is None:
            raise Unauthenticated("Send a bearer token in the Authorization header.")
        return self.asker

    def remaining(self) -> float:
        """Give the seconds left; raises UpstreamTimeout when there are none."""
        seconds = self.deadline - asyncio.get_running_loop().time()
        if seconds <= 0:
            raise UpstreamTimeout("The operation's time was up before the upstream had answered.")
        return seconds

    def charge(self) -> None:
        """Count one upstream call; raises TooManyUpstreamCalls when the budget is used up."""
        if self.calls_left <= 0:
            raise TooManyUpstreamCalls(
                "The operation needs more upstream calls than one operation may make."
                " Ask for fewer groups or smaller pages."
            )
        self.calls_left -= 1
