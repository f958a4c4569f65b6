"""Safe writes over an API that only replaces whole resources.

Writes to one group are queued, also among processes that share a Redis (`leases`). Those of one
caller that don't depend on the group's state share a PUT. A create is never sent twice.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from group_gateway.cache.leases import Leases
from group_gateway.concurrency import BackgroundTasks
from group_gateway.errors import (
    Forbidden,
    GatewayError,
    Overloaded,
    RateLimited,
    Refused,
    Unauthenticated,
    UpstreamInvalidResponse,
    UpstreamUnavailable,
)
from group_gateway.fhir.operation_outcome import as_warning, warning
from group_gateway.groups.reading.capabilities.upstream_capabilities import UpstreamCapabilities
from group_gateway.groups.reading.invalidation import Invalidator
from group_gateway.groups.reading.loading.cache_slots import CacheSlots
from group_gateway.groups.writing.base_version import BaseVersion
from group_gateway.groups.writing.batch import WriteBatch
from group_gateway.groups.writing.changes import Change
from group_gateway.groups.writing.clock import LastWrites, UpstreamClock
from group_gateway.groups.writing.creation import NewGroup
from group_gateway.groups.writing.drafts import as_sent, body_of
from group_gateway.groups.writing.member_index import Elements, member_key
from group_gateway.groups.writing.memberships import DeactivateMembers, RemoveMembers
from group_gateway.groups.writing.read_modify_write import ReadModifyWrite
from group_gateway.groups.writing.write_capabilities import WriteCapabilities
from group_gateway.groups.writing.write_requests import Outcome, WriteRequest, noted
from group_gateway.operation import Caller, Operation
from group_gateway.upstream.client import GroupClient, Written

T = TypeVar("T")
_UNSETTLED = (UpstreamUnavailable, UpstreamInvalidResponse, RateLimited)
"""Failures after which it is unknown whether the change was made."""
LONGEST_QUEUE = 100
_NOT_MADE = "The change was not made."
_NOT_CREATED = "The group was not created."
_MAYBE_MADE = "It is not known whether the change was made: read the group again."
_PENDING = "The upstream has accepted the group, but has not created it yet: this is what was sent."
_NOT_READ_BACK = "The group was created, but can't be read back: this is what was sent."
_MAYBE_CREATED = "It is not known whether the group was created: look before you create it again."


class GroupWrites:
    """Create, change and delete groups for the operation that each call names."""

    def __init__(
        self,
        client: GroupClient,
        capabilities: UpstreamCapabilities,
        invalidator: Invalidator,
        slots: CacheSlots,
        leases: Leases,
    ) -> None:
        self._client = client
        self._capabilities = WriteCapabilities(capabilities.omission_removes)
        self._invalidator = invalidator
        self._slots = slots
        self._leases = leases
        self._queues: dict[str, deque[WriteRequest]] = {}
        self._last_writes = LastWrites(UpstreamClock())
        self._tasks = BackgroundTasks()

    async def create(self, operation: Operation, new: NewGroup) -> Outcome:
        """Create a group, and read it back.

        Once started it runs to its end, even if the client disconnects.
        """
        operation.caller.require("create")
        operation.charge()
        body = body_of(new.elements(), computes=self._client.is_canvas)
        within = operation.remaining()
        return await asyncio.shield(self._tasks.share(self._create(operation, new, body, within)))

    async def _create(
        self, operation: Operation, new: NewGroup, body: bytes, within: float
    ) -> Outcome:
        try:
            written = await self._client.create(operation.caller, body, within)
        except Refused as refusal:
            operation.note_upstream_id(refusal.correlation_id)
            return Outcome(None, new.located(refusal.issues), refusal.status)
        except (Unauthenticated, Forbidden) as refusal:
            await self._failed(operation.caller, refusal)
            raise
        except _UNSETTLED as failure:
            note = _NOT_CREATED if failure.no_effect else _MAYBE_CREATED
            raise noted(failure, note) from failure
        finally:
            await self._invalidator.invalidate()
        stored = await self._stored(operation, written, new)
        if stored is None:
            text = _PENDING if written.is_pending else _NOT_READ_BACK
            sent = as_sent(body_of({"id": written.id, **new.elements()}))
            return Outcome(sent, (warning("transient", text), *new.located(written.issues)))
        if not stored.is_exact:
            self._last_writes.note(written.id, written.date)
        missing, reported = new.check(stored.elements), new.located(written.issues)
        issues = (*missing, *(reported if missing else map(as_warning, reported)))
        return Outcome(stored.group, issues)

    async def _stored(
        self, operation: Operation, written: Written, new: NewGroup
    ) -> BaseVersion | None:
        """Return the created group: as the response shows it, if it shows what was sent."""
        echo = BaseVersion.whole(written.resource)
        if echo is not None and not new.check(echo.elements):
            return echo
        try:
            operation.charge()
            within = operation.remaining()
            group = await self._client.read(operation.caller, written.id, within)
            return echo if group is None else BaseVersion.of(group)
        except GatewayError:  # the group was created, and that must be reported
            return echo

    async def change(
        self, operation: Operation, id: str, change: Change, if_version: str | None = None
    ) -> Outcome:
        """Change or delete a group, if it still has the named version."""
        operation.caller.require("delete" if change.deletes else "update")
        request = WriteRequest(operation, change, if_version)
        self._enqueue(id, request)
        try:
            await request.pending.wait_in_time(operation)
            return request.pending.answer(operation)
        except _UNSETTLED as failure:
            request.abandoned = True
            raise noted(failure, _MAYBE_MADE if request.sent else _NOT_MADE) from failure

    def _enqueue(self, id: str, request: WriteRequest) -> None:
        queue = self._queues.get(id)
        if queue is None:
            queue = self._queues[id] = deque()
            self._tasks.spawn(self._drain(id, queue))
        if len(queue) >= LONGEST_QUEUE:
            raise Overloaded("Too many changes of this group are waiting.", retry_after=1)
        queue.append(request)

    def removal(self, members: Sequence[Elements]) -> Change:
        """Return the change that removes members, in the way that works with this upstream."""
        base_url = self._client.base_url
        keys = tuple(key for member in members if (key := member_key(member, base_url)))
        if self._capabilities.omission_removes.worth_trying:
            return RemoveMembers(keys, base_url)
        return DeactivateMembers(keys, base_url)

    async def aclose(self) -> None:
        """Wait for the writes under way."""
        await self._tasks.join()

    async def _failed(self, caller: Caller, failure: Exception) -> None:
        """Stop to serve expired entries to a caller whom the upstream has refused."""
        if isinstance(failure, Unauthenticated | Forbidden):
            await self._invalidator.refused(caller)

    async def _drain(self, id: str, queue: deque[WriteRequest]) -> None:
        try:
            while (first := _next(queue)) is not None:
                cycle = ReadModifyWrite(
                    self._client,
                    self._capabilities,
                    self._last_writes,
                    id,
                    first.caller,
                    WriteBatch([first]),
                    more=_joiners(first, queue),
                    invalidate=partial(self._invalidator.invalidate, id),
                    failed=self._failed,
                )
                async with self._leases.held(self._slots.group_tag(id), first.lease_timeout):
                    await cycle.conclude()
        finally:
            del self._queues[id]


def _next(queue: deque[WriteRequest]) -> WriteRequest | None:
    """Take the first request with a waiter."""
    while queue:
        request = queue.popleft()
        if not request.abandoned:
            return request
    return None


def _joiners(first: WriteRequest, queue: deque[WriteRequest]) -> Callable[[], list[WriteRequest]]:
    """Return a function that takes from the queue what may share a PUT with `first`."""

    def more() -> list[WriteRequest]:
        if not first.joins_others:
            return []
        scope = first.caller.scope
        same = [r for r in queue if r.joins_others and r.caller.scope == scope]
        for request in same:
            queue.remove(request)
        return same

    return more
