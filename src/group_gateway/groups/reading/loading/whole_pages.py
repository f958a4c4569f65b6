"""Replace the incomplete groups on a search page by whole ones."""

import asyncio
from collections.abc import Collection

from group_gateway.errors import GatewayError
from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.capabilities.partial_results import MOST_SAMPLES, spread
from group_gateway.groups.reading.capabilities.upstream_capabilities import UpstreamCapabilities
from group_gateway.groups.reading.loading.group_loader import GroupLoader
from group_gateway.operation import Operation


class WholePages:
    """Complete search pages. Reads go through the loader: they are shared, cached and charged."""

    def __init__(self, loader: GroupLoader, capabilities: UpstreamCapabilities) -> None:
        self._loader = loader
        self._results = capabilities.whole_results

    def are_whole(self, asked: frozenset[str], *, has_subsetted: bool) -> bool:
        """Return whether groups are known to be whole in the elements `asked` for.

        `has_subsetted` is whether one of them is tagged SUBSETTED.
        """
        return not has_subsetted and self._results.are_settled(asked)

    async def complete(
        self, operation: Operation, page: Searchset, asked: frozenset[str]
    ) -> Searchset:
        """Return the page with groups that are whole in the elements `asked` for.

        Some groups are read to find out whether the upstream omits elements. An incomplete group
        whose read is refused to this caller is omitted. Raises the errors of the other reads.
        """
        if self.are_whole(asked, has_subsetted=bool(page.subsetted)):
            return page
        doubts = self._results.doubts(page.groups, asked, operation.calls_left)
        suspects = spread(doubts.suspects, min(MOST_SAMPLES, operation.calls_left // 2))
        if not (doubts.subsetted or suspects or doubts.samples):
            return page
        read = await self._read(operation, page, doubts.subsetted, is_needed=True)
        read |= await self._read(operation, page, suspects, is_needed=False)
        sampled = await self._read(operation, page, doubts.samples, is_needed=False)
        if self._results.omit(asked):  # a read may just have shown that
            read |= sampled
            rest = [id for id in page.ids if id not in read]
            read |= await self._read(operation, page, rest, is_needed=True)
        return _replaced(page, read)

    async def _read(
        self, operation: Operation, page: Searchset, ids: Collection[str], *, is_needed: bool
    ) -> dict[str, GroupResource | None]:
        shown = {group.id: group for group in page.groups}
        found = await asyncio.gather(
            *(self._loader.find(operation, id, alone=True) for id in ids), return_exceptions=True
        )
        read: dict[str, GroupResource | None] = {}
        for id, group in zip(ids, found, strict=True):
            if isinstance(group, BaseException):
                if is_needed or not isinstance(group, GatewayError):
                    raise group
                self._results.compare(shown[id], None)
            elif is_needed:
                read[id] = group
            else:
                self._results.compare(shown[id], group)
                if group is not None:
                    read[id] = group
        return read


def _replaced(page: Searchset, read: dict[str, GroupResource | None]) -> Searchset:
    entries = tuple(
        read.get(entry.id, entry) if entry is not None else None for entry in page.entries
    )
    return Searchset(page.raw, entries, page.links, page.total, page.broken, page.issues)
