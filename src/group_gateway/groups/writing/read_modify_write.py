"""One write to a group: read, change, PUT (or DELETE) if unchanged, read back.

PUT replaces the whole resource, so a write is safe only under a precondition. With versions it is
exact. Without them the upstream compares its clock in whole seconds (see `base_version`), and a
write waits until the second of the group's last write is over.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from group_gateway.errors import (
    Conflict,
    GatewayError,
    PreconditionFailed,
    Refused,
    UpstreamInvalidResponse,
    UpstreamUnavailable,
)
from group_gateway.fhir.operation_outcome import error, warning
from group_gateway.groups.reading.loading.pending_result import charge, longest_remaining
from group_gateway.groups.writing.base_version import BaseVersion
from group_gateway.groups.writing.batch import WriteBatch
from group_gateway.groups.writing.clock import LastWrites
from group_gateway.groups.writing.drafts import as_sent, body_of, has_version
from group_gateway.groups.writing.guard_check import GuardCheck
from group_gateway.groups.writing.verification import holds_all
from group_gateway.groups.writing.write_capabilities import WriteCapabilities, may_be_overtaken
from group_gateway.groups.writing.write_requests import WriteRequest
from group_gateway.operation import Caller
from group_gateway.upstream.client import GroupClient, Precondition, Written

MOST_ATTEMPTS = 16
"""Reads in one write, each of which may lead to a PUT: well below the budget of calls."""
_MOST_REFUSALS = 4
"""Conflicts over one and the same state. More mean that it is not about a concurrent change."""
_MOST_DELETE_REFUSALS = 2
"""The same for a deletion: most conflicts are about references to the group then."""
_LATE = (0.1, 0.2, 0.4)
"""Seconds to wait, one after the other, for a replica that does not show a write yet."""
_ABSENT = frozenset({"not-found", "deleted"})
"""Issue codes of a group that is gone, or of a missing target of an update."""


@dataclass(slots=True)
class ReadModifyWrite:
    """A write to one group, on behalf of one caller.

    `more` returns requests that may join before an attempt. `invalidate` is awaited whenever the
    cache may hold an older state than the upstream's, `failed` when the write ends in a failure.
    """

    client: GroupClient
    capabilities: WriteCapabilities
    last_writes: LastWrites
    id: str
    caller: Caller
    batch: WriteBatch
    more: Callable[[], list[WriteRequest]]
    invalidate: Callable[[], Awaitable[None]]
    failed: Callable[[Caller, Exception], Awaitable[None]]
    refused: bytes = field(default=b"", init=False)
    refusals: int = field(default=0, init=False)
    doubts_tag: bool = field(default=False, init=False)
    tag_form: int = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the way to write entity tags that worked last."""
        self.tag_form = self.capabilities.tag_form

    async def conclude(self) -> None:
        """Bring every request to an end; a failure goes to all that remain."""
        try:
            await self._run()
        except Exception as failure:  # noqa: BLE001 - handed to those who wait
            await self.failed(self.caller, failure)
            self.batch.reject(failure)

    async def _run(self) -> None:
        for _ in range(MOST_ATTEMPTS):
            await asyncio.sleep(self._pause())
            self.batch.join(self.more())
            if not self.batch:
                return
            base_version = await self._read()
            if base_version is None:
                self.batch.absent()
                return
            if self.batch.is_outdated(base_version):
                await self.invalidate()
            self._write_tag_otherwise(base_version)
            await self._attempt(base_version)
            if not self.batch:
                return
        current = await self._read()
        text = "Others keep changing the group."
        self.batch.end_all(current.group if current else None, error("conflict", text))

    async def _attempt(self, base_version: BaseVersion) -> None:
        follows = base_version.follows(self.last_writes.second(self.id))
        if self.batch.deletes:
            self.batch.end_outdated(base_version)
            if self.batch and follows:
                await self._delete(base_version)
            return
        draft = self.batch.apply(base_version)
        if draft is not None and follows:
            await self._put(base_version, draft)

    def _pause(self) -> float:
        """Wait out the second of the last write; after a conflict, step out of others' way too."""
        step_aside = random.uniform(0.01, 0.03) * self.refusals  # noqa: S311 - no secret
        return self.last_writes.pause(self.id) + step_aside

    async def _read(self) -> BaseVersion | None:
        results = self.batch.results
        charge(results)
        clock = self.last_writes.clock
        sent_at = clock.now()
        group = await self.client.read(
            self.caller, self.id, longest_remaining(results), partial(charge, results)
        )
        if group is None or group.date is None:
            return None if group is None else BaseVersion.of(group)
        clock.observe(group.date, sent_at)
        return BaseVersion.of(group, clock.second_begun(sent_at, group.date))

    async def _put(self, base_version: BaseVersion, draft: dict[str, Any]) -> None:
        computes = self.client.is_canvas and not has_version(base_version.elements)
        computes = computes or not self.capabilities.takes_computed.worth_trying
        takes_meta = self.capabilities.takes_meta.worth_trying
        body = body_of(draft, base_version.elements, computes=computes, takes_meta=takes_meta)
        try:
            written = await self._write(
                base_version, partial(self.client.update, self.caller, self.id, body)
            )
        except GatewayError as failure:
            if self.capabilities.simplifies(failure, body, is_guarded=base_version.is_guarded):
                return
            if isinstance(failure, UpstreamUnavailable | UpstreamInvalidResponse):
                await self._settle(failure)
            else:
                await self._refused(failure, base_version, draft)
        else:
            if not base_version.is_exact:
                self.last_writes.note(self.id, written.date)
            await self._verify(base_version, written, body, draft)

    async def _write(
        self, base_version: BaseVersion, send: Callable[..., Awaitable[Written]]
    ) -> Written:
        """Send a PUT or DELETE. Marks the requests as sent unless it surely had no effect."""
        charge(self.batch.results)
        self.batch.mark(sent=True)
        text = self._check_guard().warning(base_version)
        if text is not None:
            self.batch.warn(warning("incomplete", text))
        try:
            takes = self.capabilities.takes_preconditions.worth_trying
            precondition = base_version.precondition(self.tag_form) if takes else Precondition()
            written = await send(precondition, longest_remaining(self.batch.results))
        except GatewayError as failure:
            unknown = isinstance(failure, UpstreamUnavailable | UpstreamInvalidResponse)
            if failure.no_effect or not unknown:
                self.batch.mark(sent=False)
            raise
        self.capabilities.tag_form = self.tag_form
        return written

    def _check_guard(self) -> GuardCheck:
        return GuardCheck(self.client, self.capabilities, self.id, self.caller, self.batch)

    async def _verify(
        self, base_version: BaseVersion, written: Written, body: bytes, sent: dict[str, Any]
    ) -> None:
        await self.invalidate()
        echo = BaseVersion.whole(written.resource)
        stored = echo
        is_whole = echo and holds_all(sent, echo.elements, self.client.base_url)
        if echo is None or not echo.succeeds(base_version) or not is_whole:
            stored = await self._read_stored(base_version, written) or echo
        if stored is None:
            text = "The change was made, but the group can't be read back: this is what was sent."
            self.batch.end_all(as_sent(body), warning("transient", text), *written.issues)
            return
        await self._check_guard().after(base_version, written, stored, sent)
        if not self.batch.verify(base_version, stored, sent, self.client.base_url, written):
            self.capabilities.omission_removes.learn(works=False)

    async def _read_stored(self, base: BaseVersion, written: Written) -> BaseVersion | None:
        """Read the group after a write; return None if that shows nothing, or an older version."""
        stored = await self._read_back()
        for seconds in _LATE if written.etag else _LATE[:1]:
            if stored is None or not stored.is_before(written, base):
                return stored
            await asyncio.sleep(seconds)
            stored = await self._read_back()
        is_made = written.etag is not None  # it names another version than the one before
        return None if is_made and stored and stored.is_before(written, base) else stored

    async def _read_back(self) -> BaseVersion | None:
        try:
            return await self._read()
        except GatewayError:  # the outcome of the write matters, not this
            return None

    async def _settle(self, failure: GatewayError) -> None:
        """Find out whether a PUT without a response took effect."""
        if failure.no_effect:
            raise failure
        await self.invalidate()
        stored = await self._read_back()
        if stored is not None and not stored.is_exact:
            self.last_writes.note(self.id, stored.second)
        self.batch.settle(stored, failure)

    async def _delete(self, base_version: BaseVersion) -> None:
        try:
            written = await self._write(
                base_version, partial(self.client.delete, self.caller, self.id)
            )
        except (UpstreamUnavailable, UpstreamInvalidResponse) as failure:
            if failure.no_effect or not await self._is_gone():
                raise
            text = "The upstream's answer was lost; the group was read again and is gone."
            self.batch.end_all(None, warning("transient", text))
        except GatewayError as refusal:
            guarded = base_version.is_guarded
            if not self.capabilities.simplifies(refusal, b"{}", is_guarded=guarded):
                await self._refused(refusal, base_version, base_version.elements)
        else:
            await self.invalidate()
            left = await self._read_stored(base_version, replace(written, etag=None))
            if left is not None and written.is_pending:
                self.batch.pend(left, written.issues)
                return
            issues = [i for r in self.batch.requests for i in r.change.check({})] if left else []
            self.batch.end_all(left.group if left else None, *issues, *written.issues)

    async def _is_gone(self) -> bool:
        await self.invalidate()
        try:
            return await self._read() is None
        except GatewayError:
            return False

    async def _refused(
        self, refusal: GatewayError, base_version: BaseVersion, sent: dict[str, Any]
    ) -> None:
        if isinstance(refusal, PreconditionFailed):
            self.capabilities.guards.learn(works=True)
        for request in self.batch.requests:
            request.operation.note_upstream_id(refusal.correlation_id)
        if may_be_overtaken(refusal) and self._worth_another_try(refusal, base_version):
            if not base_version.is_exact:
                self.last_writes.note(self.id, base_version.second)
            await self.invalidate()
        elif not isinstance(refusal, Refused):
            raise refusal
        elif len(self.batch.requests) > 1:
            await self._divide()
        elif any(issue.code in _ABSENT for issue in refusal.issues) and not await self._read():
            self.batch.absent()
        else:
            self.batch.refuse(base_version.group, refusal, sent)

    def _worth_another_try(self, refusal: GatewayError, base_version: BaseVersion) -> bool:
        """Count a conflict, and return whether it is worth trying again.

        Conflicts over one unchanged state are bounded.
        """
        again = base_version.group.raw == self.refused
        self.refused = base_version.group.raw
        self.refusals = self.refusals + 1 if again else 1
        # One conflict may be about another write at the same moment, and not about the tag.
        is_vague = isinstance(refusal, Conflict) and not isinstance(refusal, PreconditionFailed)
        self.doubts_tag = again or not is_vague
        is_about_others = self.batch.deletes and not isinstance(refusal, PreconditionFailed)
        return self.refusals < (_MOST_DELETE_REFUSALS if is_about_others else _MOST_REFUSALS)

    def _write_tag_otherwise(self, base_version: BaseVersion) -> None:
        """Change the way to write the entity tag if this state was refused because of it.

        A server may ignore a precondition in a form that it does not know. So no form is given up
        that may be the right one.
        """
        if base_version.group.raw != self.refused:
            self.tag_form = self.capabilities.tag_form
        elif self.doubts_tag:
            self.tag_form += 1

    async def _divide(self) -> None:
        """Write each half of the batch on its own: each request gets its own outcome in the end."""
        for part in self.batch.halves():
            await replace(self, batch=part, more=list).conclude()
        self.batch = WriteBatch(())
