"""Protection from a failing upstream: circuit breakers, and retries of reads.

Why no library: tenacity and stamina know neither a deadline that a pause must fit into nor a budget
over all calls, and the breakers on PyPI count calls, so that one poisoned id would lock everybody
out. A call that succeeds spends about a microsecond here.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from group_gateway.errors import (
    GatewayError,
    TooManyUpstreamCalls,
    UpstreamInvalidResponse,
    UpstreamNotAsked,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from group_gateway.events import Events
from group_gateway.upstream.call import Call, Kind
from group_gateway.upstream.call_sender import CallSender
from group_gateway.upstream.resilience.breaker import Breaker
from group_gateway.upstream.resilience.retries import RetryBudget, pause
from group_gateway.upstream.upstream_response import UpstreamResponse

_KINDS: tuple[Kind, ...] = ("read", "search", "write")
_TROUBLE = 429
"""The lowest status that may be worth a retry."""
_FAILED = 500
_NOT_IMPLEMENTED = 501
_FAIR = 1.0
"""Seconds. A timeout after less than this does not count as the upstream's failure."""


@dataclass(frozen=True, slots=True)
class Resilience:
    """How often a read is retried, and for how many seconds a breaker stays open.

    0 switches either off.
    """

    retries: int = 0
    cooldown: float = 0.0


class ResilientClient:
    """Send calls, retry failed reads, and send nothing while a breaker is open."""

    def __init__(self, call_sender: CallSender, resilience: Resilience, events: Events) -> None:
        self._call_sender = call_sender
        self._retries = resilience.retries
        self._budget = RetryBudget()
        self._events = events
        kinds = _KINDS if resilience.cooldown else ()
        self._breakers: dict[str, Breaker] = {kind: Breaker(resilience.cooldown) for kind in kinds}
        for kind in kinds:
            events.breaker(kind, is_open=False)

    async def send(
        self, call: Call, within: float, again: Callable[[], object] | None = None
    ) -> UpstreamResponse:
        """Return the response to a call, whatever its status; raise the errors of `errors`.

        With `again` the call may be retried. `again` is called before each retry, and prevents it
        by raising TooManyUpstreamCalls.
        """
        if again is None or not self._retries:
            return await self._once(call, within)
        self._budget.note_call()
        now = asyncio.get_running_loop().time
        deadline, left = now() + within, within
        outcome: UpstreamResponse | GatewayError
        for attempt in range(self._retries):
            try:
                outcome = await self._once(call, left)
                if outcome.status < _TROUBLE:
                    return outcome
            except UpstreamUnavailable as failure:
                outcome = failure
            seconds = pause(outcome, attempt, deadline - now())
            if seconds is None or not self._may_repeat(call, again):
                return _unwrapped(outcome)
            await asyncio.sleep(seconds)
            left = deadline - now()
        return await self._once(call, left)

    def _may_repeat(self, call: Call, again: Callable[[], object]) -> bool:
        if not self._budget.spend():
            return False
        try:
            again()
        except TooManyUpstreamCalls:
            return False
        self._events.upstream_retried(call.kind)
        return True

    async def _once(self, call: Call, within: float) -> UpstreamResponse:
        breaker = self._breakers.get(call.kind)
        if breaker is None:
            return await self._call_sender.send(call, within)
        if breaker.is_open and (wait := breaker.wait(call.scope)) > 0:
            raise UpstreamNotAsked(
                "The upstream fails too often: the circuit breaker is open.",
                retry_after=math.ceil(wait),
            )
        probe, failed = breaker.begin(), None
        try:
            answer = await self._call_sender.send(call, within)
            failed = answer.status >= _FAILED and answer.status != _NOT_IMPLEMENTED
        except UpstreamTimeout:
            failed = True if within >= min(_FAIR, self._call_sender.timeout) else None
            raise
        except (UpstreamUnavailable, UpstreamInvalidResponse):
            failed = True
            raise
        finally:
            breaker.end(call.identity, call.scope, probe=probe, failed=failed)
            if probe or breaker.is_open:
                self._events.breaker(call.kind, is_open=breaker.is_open)
        return answer


def _unwrapped(outcome: UpstreamResponse | GatewayError) -> UpstreamResponse:
    if isinstance(outcome, GatewayError):
        raise outcome
    return outcome
