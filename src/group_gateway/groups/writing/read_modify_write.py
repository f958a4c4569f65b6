"""One turn of writing to a group: read, change, PUT if unchanged, read back.

PUT replaces the whole resource, so a turn is safe only under a precondition. With entity tags it
is exact. Without them the upstream compares its clock in whole seconds (see `base_version`), and a
turn waits until the second of the group's last write is over.
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
    Refused,
    UpstreamInvalidResponse,
    UpstreamNotAsked,
    UpstreamUnavailable,
)
from group_gateway.fhir.operation_outcome import error, warning
from group_gateway.groups.reading.capabilities import CapabilityProbe
from group_gateway.groups.reading.flights import charge, within
from group_gateway.groups.writing.base_version import BaseVersion
from group_gateway.groups.writing.batch import Batch
from group_gateway.groups.writing.clock import LastWrites
from group_gateway.groups.writing.drafts import as_sent, body_of
from group_gateway.groups.writing.write_requests import Request
from group_gateway.operation import Caller
from group_gateway.upstream.client import GroupClient, Written

MOST_ATTEMPTS = 16
"""Reads in one turn, each of which may lead to a PUT: well below an operation's budget of calls."""
_MOST_REFUSALS = 4
"""Conflicts over one and the same state: they come from something else than a change."""
_ABSENT = frozenset({"not-found", "deleted"})
"""Issue codes of a group that is gone, or of something else that an update refers to."""


@dataclass(slots=True)
class ReadModifyWrite:
    """A PUT in the making for one group, on behalf of one caller.

    `more` gives requests that may join before an attempt. `renew` is awaited whenever the cache may
    hold an older state than the upstream's, `failed` when the turn ends in a failure. `omission` is
    whether the upstream removes the members that a PUT leaves out.
    """

    client: GroupClient
    omission: CapabilityProbe
    last_writes: LastWrites
    id: str
    caller: Caller
    batch: Batch
    more: Callable[[], list[Request]]
    renew: Callable[[], Awaitable[None]]
    failed: Callable[[Caller, Exception], Awaitable[None]]
    refused: bytes = field(default=b"", init=False)
    refusals: int = field(default=0, init=False)

    async def conclude(self) -> None:
        """Bring every request to an end; a failure goes to all that are left."""
        try:
            await self._run()
        except Exception as failure:  # noqa: BLE001 - handed to those who wait
            await self.failed(self.caller, failure)
            self.batch.crash(failure)

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
                await self.renew()
            draft = self.batch.apply(base_version)
            if draft is not None and base_version.follows(self.last_writes.second(self.id)):
                await self._put(base_version, draft)
            if not self.batch:
                return
        current = await self._read()
        text = "Others keep changing the group."
        self.batch.end_all(current.group if current else None, error("conflict", text))

    def _pause(self) -> float:
        """Wait out the second of the last write; after a conflict, step out of others' way too."""
        step_aside = random.uniform(0.01, 0.03) * self.refusals  # noqa: S311 - no secret
        return self.last_writes.pause(self.id) + step_aside

    async def _read(self) -> BaseVersion | None:
        flights = self.batch.flights
        charge(flights)
        clock = self.last_writes.clock
        asked = clock.now()
        group = await self.client.read(
            self.caller, self.id, within(flights), partial(charge, flights)
        )
        if group is None or group.date is None:
            return None if group is None else BaseVersion.of(group)
        clock.observe(group.date, asked)
        return BaseVersion.of(group, clock.second_begun(asked, group.date))

    async def _put(self, base_version: BaseVersion, draft: dict[str, Any]) -> None:
        charge(self.batch.flights)
        body = body_of(draft, base_version.elements)
        self.batch.mark(sent=True)
        if not base_version.is_guarded:
            text = "The upstream tells states apart by nothing: others' changes may be overwritten."
            self.batch.remark(warning("incomplete", text))
        try:
            written = await self.client.update(
                self.caller, self.id, body, base_version.precondition(), within(self.batch.flights)
            )
        except UpstreamNotAsked:
            self.batch.mark(sent=False)
            raise
        except (UpstreamUnavailable, UpstreamInvalidResponse) as failure:
            await self._settle(failure)
        except GatewayError as refusal:
            self.batch.mark(sent=False)
            await self._refused(refusal, base_version, draft)
        else:
            if not base_version.is_exact:
                self.last_writes.note(self.id, written.date)
            await self._verify(written, body, draft)

    async def _verify(self, written: Written, body: bytes, sent: dict[str, Any]) -> None:
        await self.renew()
        stored = BaseVersion.of(written.resource) if written.resource else await self._read_back()
        if stored is None:
            text = "The change was made, but the group can't be read back: this is what was sent."
            self.batch.end_all(as_sent(body), warning("transient", text))
        elif not self.batch.verify(stored, sent):
            self.omission.learn(works=False)

    async def _read_back(self) -> BaseVersion | None:
        try:
            return await self._read()
        except GatewayError:  # what became of the write is what has to be told, not this
            return None

    async def _settle(self, failure: GatewayError) -> None:
        """Find out whether a PUT whose answer was lost took effect."""
        await self.renew()
        stored = await self._read_back()
        if stored is not None and not stored.is_exact:
            self.last_writes.note(self.id, stored.second)
        self.batch.settle(stored, failure)

    async def _refused(
        self, refusal: GatewayError, base_version: BaseVersion, sent: dict[str, Any]
    ) -> None:
        if isinstance(refusal, Conflict) and self._worth_another_try(base_version):
            if not base_version.is_exact:
                self.last_writes.note(self.id, base_version.second)
            await self.renew()
        elif not isinstance(refusal, Refused):
            raise refusal
        elif len(self.batch.requests) > 1:
            await self._divide()
        elif any(issue.code in _ABSENT for issue in refusal.issues) and not await self._read():
            self.batch.absent()
        else:
            self.batch.refuse(base_version.group, refusal.issues, sent)

    def _worth_another_try(self, base_version: BaseVersion) -> bool:
        """Tell whether a conflict can be over something that was changed in the meantime."""
        again = base_version.group.raw == self.refused
        self.refused = base_version.group.raw
        self.refusals = self.refusals + 1 if again else 1
        return self.refusals < _MOST_REFUSALS

    async def _divide(self) -> None:
        """Try fewer together, down to each alone, so that every request answers for itself."""
        for part in self.batch.halves():
            await replace(self, batch=part, more=list).conclude()
        self.batch = Batch(())
