"""One turn of writing to a group: read, change, PUT if unchanged, read back. Used by `writes`.

PUT replaces the whole resource, so a turn is safe only under a precondition. With entity tags it
is exact. Without them the upstream compares its clock in whole seconds: a turn then counts every
change within the second of its read as somebody else's, and waits for the next second, because
a false conflict is safer than a lost update.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from group_gateway.errors import Conflict, Refused, UpstreamUnavailable
from group_gateway.fhir.outcome import Issue, error, warning
from group_gateway.fhir.resource import GroupResource
from group_gateway.groups.changes import Change
from group_gateway.groups.drafts import body_of, draft_of
from group_gateway.groups.flights import Flight, charge, within
from group_gateway.groups.knowledge import UpstreamKnowledge
from group_gateway.groups.validation import located
from group_gateway.operation import Caller, Operation
from group_gateway.upstream.client import GroupClient, Precondition

MOST_ATTEMPTS = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a write came to: the group as it is now, and what there is to say about it."""

    group: GroupResource | None
    issues: tuple[Issue, ...] = ()


@dataclass(eq=False, slots=True)
class Request:
    """A change that an operation asked for; without a caller there is none (Unauthenticated).

    `based_on` is the version that it must find; a change that does not rebase is bound to the
    first version that it meets.
    """

    operation: Operation
    change: Change
    based_on: str | None = None
    caller: Caller = field(init=False)
    flight: Flight[Outcome] = field(init=False)
    remarks: list[Issue] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.caller = self.operation.caller
        self.flight = Flight(self.operation)

    @property
    def joins_others(self) -> bool:
        """Whether it may share a PUT with others."""
        return self.change.rebases and self.based_on is None


@dataclass(slots=True)
class Turn:
    """A PUT in the making for one group, on behalf of one caller.

    `more` gives requests that may join before an attempt; `wrote` is awaited after every PUT that
    may have had an effect; `taken_at` is the last second of the upstream's clock in which the
    group is known, or must be thought, to have been written.
    """

    client: GroupClient
    knowledge: UpstreamKnowledge
    id: str
    caller: Caller
    requests: list[Request]
    more: Callable[[], list[Request]]
    wrote: Callable[[], Awaitable[None]]
    taken_at: int = 0

    async def run(self) -> None:
        """Bring every request to an end; what it raises ends all that are left."""
        current: GroupResource | None = None
        for _ in range(MOST_ATTEMPTS):
            self.requests += self.more()
            current = await self._read()
            draft = self._apply(current)
            if current is None or draft is None:
                return
            if self._is_quiet(current):
                await self._put(current, draft)
            if not self.requests:
                return
            await _pause(current)
        for request in list(self.requests):
            self._end(request, current, _conflict("Others keep changing the group."))

    async def _read(self) -> GroupResource | None:
        charge(self._flights)
        return await self.client.read(self.caller, self.id, within(self._flights))

    def _apply(self, current: GroupResource | None) -> dict[str, Any] | None:
        """Apply the changes to a draft; end those that can't be made or have nothing to do."""
        if current is None:
            for request in list(self.requests):
                self._end(request, None, error("not-found", "There is no such group.", "id"))
            return None
        draft = draft_of(current)
        for request in list(self.requests):
            self._apply_one(request, current, draft)
        if draft != draft_of(current):
            return draft
        for request in list(self.requests):
            self._end(request, current, *request.remarks)
        return None

    def _apply_one(self, request: Request, current: GroupResource, draft: dict[str, Any]) -> None:
        if request.based_on not in {None, current.version}:
            self._end(request, current, _conflict("The group was changed in the meantime."))
            return
        if not request.change.rebases:
            request.based_on = current.version
        try:
            request.remarks = request.change.apply(draft)
        except Refused as refusal:
            self._end(request, current, *refusal.issues)

    def _is_quiet(self, current: GroupResource) -> bool:
        """Tell whether a precondition on this state can hold."""
        return current.etag is not None or current.date is None or current.date > self.taken_at

    async def _put(self, current: GroupResource, draft: dict[str, Any]) -> None:
        charge(self._flights)
        body = body_of(draft, current)
        try:
            written = await self.client.update(
                self.caller, self.id, body, precondition_of(current), within(self._flights)
            )
        except Conflict:
            self.taken_at = max(self.taken_at, current.date or 0)
        except Refused as refusal:
            await self._refused(refusal, current)
        except UpstreamUnavailable as failure:
            await self.wrote()
            await self._settle(failure)
        else:
            await self.wrote()
            self.taken_at = written.date or 0
            self._verify(written.resource or await self._read())

    async def _refused(self, refusal: Refused, current: GroupResource) -> None:
        if len(self.requests) == 1:
            self._end(self.requests[0], current, *map(located, refusal.issues))
            return
        # One of several was turned down: each is tried alone, so that it answers for itself.
        for request in list(self.requests):
            await replace(self, requests=[request], more=list).run()
        self.requests.clear()

    async def _settle(self, failure: UpstreamUnavailable) -> None:
        """Find out whether a PUT whose answer was lost took effect."""
        stored = await self._read()
        for request in list(self.requests):
            if stored is None or request.change.check(stored.elements):
                self.requests.remove(request)
                request.flight.crash(failure)
            else:
                text = "The upstream's answer was lost; the group was read again and is as asked."
                self._end(request, stored, warning("transient", text))

    def _verify(self, stored: GroupResource | None) -> None:
        if stored is None:
            for request in list(self.requests):
                self._end(request, None, warning("not-found", "The group can't be read back."))
            return
        for request in list(self.requests):
            other_way = request.change.fallback(stored.elements)
            if other_way is not None:
                self.knowledge.omission_removes = False
                request.change = other_way
            else:
                warnings = request.change.check(stored.elements)
                self._end(request, stored, *request.remarks, *warnings)

    def _end(self, request: Request, group: GroupResource | None, *issues: Issue) -> None:
        self.requests.remove(request)
        request.flight.land(Outcome(group, issues))

    @property
    def _flights(self) -> list[Flight[Outcome]]:
        return [request.flight for request in self.requests]


def precondition_of(current: GroupResource) -> Precondition:
    """Give the precondition that the group is still as it was read."""
    if current.etag is not None:
        return Precondition(etag=current.etag)
    if current.date is not None:
        return Precondition(unmodified_since=current.date - 1)
    return Precondition()


async def _pause(current: GroupResource) -> None:
    """Wait for the upstream's next second, or with entity tags for a moment."""
    moment = 0.01 if current.etag is not None else 1.0
    await asyncio.sleep(moment * random.uniform(1.0, 1.2))  # noqa: S311 - no secret


def _conflict(text: str) -> Issue:
    return error("conflict", text)
