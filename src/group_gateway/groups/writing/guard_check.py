"""Whether an upstream honours the preconditions of writes, judged by what it stored.

Most upstreams that show versions compare them, some only count them. A write that skips a version
number has overwritten another writer's change.
"""

from dataclasses import dataclass
from typing import Any

from group_gateway.errors import GatewayError
from group_gateway.fhir.operation_outcome import warning
from group_gateway.groups.reading.loading.pending_result import charge, longest_remaining
from group_gateway.groups.writing.base_version import BaseVersion, tag_number
from group_gateway.groups.writing.batch import WriteBatch
from group_gateway.groups.writing.write_capabilities import WriteCapabilities
from group_gateway.operation import Caller
from group_gateway.upstream.client import GroupClient, Written

_NO_VERSIONS = "The upstream shows no versions and no clock: others' changes may be overwritten."
_UNPROVEN = (
    "The upstream shows no versions, and may ignore times: others' changes may be overwritten."
)
_REFUSES = "The upstream refuses preconditions: others' changes may be overwritten."
_IGNORES = "The upstream ignores preconditions: others' changes may be overwritten."
_SAME_VERSION = "The upstream gives a changed group the same version: others' changes may be lost."
_OVERWRITTEN = (
    "Somebody changed the group just before this write, and the upstream let it overwrite their "
    "change: compare the group with what it should be."
)
_FEW = 100
"""Version numbers between two reads that may be one group's. More are a server's count of all
writes."""


@dataclass(frozen=True, slots=True)
class GuardCheck:
    """Checks one write."""

    client: GroupClient
    capabilities: WriteCapabilities
    id: str
    caller: Caller
    batch: WriteBatch

    def warning(self, base_version: BaseVersion) -> str | None:
        """Return the warning about a write without a precondition; None if it had one.

        Canvas is known to compare times. Most other servers ignore them.
        """
        if not base_version.is_guarded:
            return _NO_VERSIONS
        if not self.capabilities.takes_preconditions.worth_trying:
            return _REFUSES
        guards = self.capabilities.guards
        if base_version.tag is None and not (guards.proven or self.client.is_canvas):
            return _UNPROVEN
        return None if guards.worth_trying else _IGNORES

    async def after(
        self, base: BaseVersion, written: Written, stored: BaseVersion, sent: dict[str, Any]
    ) -> None:
        """Add a warning if the precondition proves to have been ignored, and record that."""
        guards = self.capabilities.guards
        if guards.proven or base.tag is None:
            return
        if base.tag == stored.tag:
            if base.elements != stored.elements:
                guards.learn(works=False)
                self.batch.warn(warning("incomplete", _SAME_VERSION))
        elif await self._has_overwritten(base, written, stored, sent):
            guards.learn(works=False)
            self.batch.warn(warning("conflict", _OVERWRITTEN))

    async def _has_overwritten(
        self, base: BaseVersion, written: Written, stored: BaseVersion, sent: dict[str, Any]
    ) -> bool:
        own = tag_number(written.etag)
        if own is None and stored.group is written.resource:
            own = stored.number
        last = stored.number if own is None else own
        if base.number is None or last is None or not 2 <= last - base.number <= _FEW:  # noqa: PLR2004 - a gap
            return False
        between = await self._version(base.number + 1)
        if between is not None:
            # Without the write's own version, that may be the write, and the later one another's.
            return own is not None or not self.batch.is_stored_in(between.elements, sent)
        if await self._version(base.number) is not None:
            return False  # the numbers count more than this group's versions
        return own is not None or self.batch.is_stored_in(stored.elements, sent)

    async def _version(self, number: int) -> BaseVersion | None:
        try:
            charge(self.batch.results)
            group = await self.client.read_version(
                self.caller, self.id, str(number), longest_remaining(self.batch.results)
            )
            return None if group is None else BaseVersion.of(group)
        except GatewayError:  # no history
            return None
