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


@dataclass(frozen=True, slots=True)
class Part:
    """Something read for an operation, as the cache keeps it.

    It holds while its tag has this generation, and until `expires` (seconds since the epoch).
    """

    tag: str
    generation: bytes
    expires: float


@dataclass(slots=True, eq=False)
class Operation:
    """One GraphQL operation under way.

    `asker` is None for a request without a credential where one is needed. `deadline` is in the
    event loop's time (seconds); `calls_left` counts down as the operation causes upstream calls;
    `correlation_id` names it in errors and logs. `parts` is what its answer is made of, None once
    something was read that no cache can vouch for.
    """

    asker: Caller | None
    deadline: float
    calls_left: int
    correlation_id: str = ""
    parts: list[Part] | None = field(default_factory=list)

    @property
    def caller(self) -> Caller:
        """Who asks; raises Unauthenticated when nobody said. Every key and call needs it."""
        if self.asker is None:
            raise Unauthenticated("Send a bearer token in the Authorization header.")
        return self.asker

    def made_of(self, part: Part | None) -> None:
        """Note a part of the answer; None when it must not outlive the operation."""
        if part is None:
            self.parts = None
        elif self.parts is not None:
            self.parts.append(part)

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
