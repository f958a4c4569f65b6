"""Safe writes over an API that only replaces whole resources. Used by `schema`.

Writes to one group queue up; those of one caller that mean the same on any state share a PUT. A
create is never sent twice.
"""

import asyncio
from collections import deque
from typing import Any

from group_gateway.cache.store import CacheStore
from group_gateway.errors import Overloaded, Refused, UpstreamTimeout, UpstreamUnavailable
from group_gateway.fhir.outcome import Issue, warning
from group_gateway.fhir.reference import LiteralReference
from group_gateway.groups.changes import Change, DeactivateMembers, RemoveMembers, SetElements
from group_gateway.groups.drafts import body_of
from group_gateway.groups.knowledge import UpstreamKnowledge
from group_gateway.groups.loader import GroupLoader
from group_gateway.groups.pages import SearchPages
from group_gateway.groups.snapshot import Slots
from group_gateway.groups.turns import Outcome, Request, Turn
from group_gateway.groups.validation import located
from group_gateway.operation import Operation
from group_gateway.upstream.client import GroupClient, Written

LONGEST_QUEUE = 100
_UNKNOWN_END = " It is not known whether the change was made: read the group again."


class GroupWrites:
    """Creates and changes groups for the operation that each call names."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that a write must reach
        self,
        client: GroupClient,
        knowledge: UpstreamKnowledge,
        loader: GroupLoader,
        pages: SearchPages,
        cache: CacheStore,
        slots: Slots,
    ) -> None:
        self._client = client
        self._knowledge = knowledge
        self._loader = loader
        self._pages = pages
        self._cache = cache
        self._slots = slots
        self._queues: dict[str, deque[Request]] = {}
        self.epoch = 0
        """How many writes there were: what was asked for before one is not joined after it."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def create(self, operation: Operation, draft: dict[str, Any]) -> Outcome:
        """Create a group from FHIR elements, and read it back."""
        operation.charge()
        sending = asyncio.ensure_future(
            self._client.create(operation.caller, body_of(draft), operation.remaining())
        )
        try:
            written = await asyncio.shield(sending)
        except Refused as refusal:
            return Outcome(None, tuple(map(located, refusal.issues)))
        except UpstreamUnavailable as failure:
            failure.message += " It is not known whether the group was created."
            raise
        finally:
            await self._wrote()
        return await self._created(operation, draft, written)

    async def _created(
        self, operation: Operation, draft: dict[str, Any], written: Written
    ) -> Outcome:
        stored = written.resource
        if stored is None:
            operation.charge()
            within = operation.remaining()
            stored = await self._client.read(operation.caller, written.id, within)
        if stored is None:
            return Outcome(None, (warning("not-found", "The new group can't be read back."),))
        return Outcome(stored, tuple(_not_stored(draft, stored.elements)))

    async def change(
        self, operation: Operation, id: str, change: Change, if_version: str | None = None
    ) -> Outcome:
        """Change a group, if it still has the version named."""
        request = Request(operation, change, if_version)
        queue = self._queues.get(id)
        if queue is None:
            queue = self._queues[id] = deque()
            task = asyncio.create_task(self._drain(id, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if len(queue) >= LONGEST_QUEUE:
            raise Overloaded("Too many changes of this group are waiting.", retry_after=1)
        queue.append(request)
        try:
            return await request.flight.wait(operation)
        except UpstreamTimeout as failure:
            raise UpstreamTimeout(
                failure.message + _UNKNOWN_END, correlation_id=failure.correlation_id
            ) from failure

    def removal(self, references: tuple[LiteralReference, ...]) -> Change:
        """Give the change that removes members, in the way that works with this upstream."""
        if self._knowledge.omission_removes:
            return RemoveMembers(references)
        return DeactivateMembers(references)

    async def _drain(self, id: str, queue: deque[Request]) -> None:
        taken_at = 0
        while requests := _next_turn(queue):
            turn = Turn(
                self._client,
                self._knowledge,
                id,
                requests[0].caller,
                requests,
                more=_joiners(requests[0], queue),
                wrote=lambda: self._wrote(id),
                taken_at=taken_at,
            )
            try:
                await turn.run()
            except Exception as error:  # noqa: BLE001 - handed to those who wait
                for request in turn.requests:
                    request.flight.crash(error)
            taken_at = turn.taken_at
        del self._queues[id]

    async def _wrote(self, id: str | None = None) -> None:
        """Make sure that nobody gets what was read before the write."""
        self.epoch += 1
        tags = [self._slots.search_tag]
        self._pages.forget()
        if id is not None:
            self._loader.forget(id)
            tags.append(self._slots.group_tag(id))
        await self._cache.invalidate(tags)


def _next_turn(queue: deque[Request]) -> list[Request]:
    """Take the first request that is still waited for."""
    while queue:
        request = queue.popleft()
        if not request.flight.future.done():
            return [request]
    return []


def _joiners(first: Request, queue: deque[Request]) -> Any:
    """Give a function that takes out of the queue what may share a PUT with `first`."""

    def more() -> list[Request]:
        if not first.joins_others:
            return []
        scope = first.caller.scope
        same = [r for r in queue if r.joins_others and r.caller.scope == scope]
        for request in same:
            queue.remove(request)
        return same

    return more


def _not_stored(draft: dict[str, Any], stored: dict[str, Any]) -> list[Issue]:
    wanted = {name: value for name, value in draft.items() if name != "quantity"}
    return SetElements(wanted).check(stored)
