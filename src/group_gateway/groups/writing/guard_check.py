"""Whether an upstream honours the preconditions of writes, judged by what it stored.

Most upstreams that show versions compare them, some only count them. A write that skips a version
number has overwritten another writer's change. Where versions are no numbers, the group's history
tells, if there is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from group_gateway.errors import GatewayError, Gone, UpstreamInvalidResponse
from group_gateway.fhir.history_bundle import HistoryEntry
from group_gateway.fhir.operation_outcome import warning
from group_gateway.groups.reading.capabilities.paging_support import is_refusal
from group_gateway.groups.reading.loading.pending_result import charge, longest_remaining
from group_gateway.groups.writing.base_version import BaseVersion, tag_number, tag_text
from group_gateway.groups.writing.batch import Elements, WriteBatch
from group_gateway.groups.writing.write_capabilities import WriteCapabilities
from group_gateway.operation import Caller
from group_gateway.upstream.client import GroupClient, Written
from group_gateway.upstream.history_client import HistoryClient, first_page

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
_MADE_ANEW = (
    "Somebody deleted the group just before this write, and the upstream let it create the group "
    "again."
)
_LATEST = 5
"""Versions of a history that are looked at."""
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
        self, base: BaseVersion, written: Written, stored: BaseVersion, sent: Elements
    ) -> None:
        """Add a warning if the precondition proves to have been ignored, and record that."""
        guards = self.capabilities.guards
        if guards.proven:
            return
        if base.tag is None:
            if written.is_created:
                self.batch.warn(warning("conflict", _MADE_ANEW))
            return
        if base.tag == stored.tag:
            if base.elements != stored.elements:
                guards.learn(works=False)
                self.batch.warn(warning("incomplete", _SAME_VERSION))
        elif await self._has_overwritten(base, written, stored, sent):
            guards.learn(works=False)
            self.batch.warn(warning("conflict", _OVERWRITTEN))

    async def _has_overwritten(
        self, base: BaseVersion, written: Written, stored: BaseVersion, sent: Elements
    ) -> bool:
        own = tag_number(written.etag)
        if own is None and stored.group is written.resource:
            own = stored.number
        last = stored.number if own is None else own
        if base.number is None:
            return await self._has_overwritten_by_history(base, written, stored, sent)
        if last is None or not 2 <= last - base.number <= _FEW:  # noqa: PLR2004 - a gap
            return False
        try:
            between = await self._version(base.number + 1)
        except Gone:
            return True
        if between is not None:
            # Without the write's own version, that may be the write, and the later one another's.
            return own is not None or not self._may_be_own(between.elements, stored, sent)
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
        except Gone:
            raise
        except GatewayError:  # no history
            return None

    async def _has_overwritten_by_history(
        self, base: BaseVersion, written: Written, stored: BaseVersion, sent: Elements
    ) -> bool:
        """Return whether the version after `base` is another one than the write's."""
        versions: dict[str, HistoryEntry] = {}
        for entry in await self._history():
            if entry.version is not None:
                versions.setdefault(entry.version, entry)
        names = list(versions)
        if base.name not in names or names[0] == base.name:
            return written.is_created
        following = versions[names[names.index(base.name) - 1]]
        echo = BaseVersion.whole(written.resource)
        own = tag_text(written.etag) if echo is None else echo.name
        if own is not None and own in names:
            return own != following.version
        return following.group is None or not self._may_be_own(
            following.group.elements, stored, sent
        )

    def _may_be_own(self, elements: Elements, stored: BaseVersion, sent: Elements) -> bool:
        """Return whether elements can be what the upstream made of the write, given what it has."""
        if self.batch.is_made_in(stored.elements):
            return self.batch.is_made_in(elements)
        return self.batch.is_stored_in(elements, sent)

    async def _history(self) -> Sequence[HistoryEntry]:
        """Return the latest versions, newest first; none where there is no history."""
        probe = self.capabilities.keeps_history
        if not probe.worth_trying:
            return ()
        try:
            charge(self.batch.results)
            within = longest_remaining(self.batch.results)
            page = await HistoryClient(self.client).page(
                self.caller, self.id, first_page(self.id, _LATEST), within
            )
        except GatewayError as error:
            if is_refusal(error) or isinstance(error, UpstreamInvalidResponse):
                probe.learn(works=False)
            return ()
        return page.versions
