"""Replace the incomplete groups on a search page by whole ones."""

import asyncio
from collections.abc import Collection

from group_gateway.errors import GatewayError
from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.capabilities import UpstreamCapabilities
from group_gateway.groups.reading.loader import GroupLoader
from group_gateway.groups.reading.partial_results import doubts_about, lacks_elements
from group_gateway.operation import Operation


class WholePages:
    """Complete search pages. Reads go through the loader: they are shared, cached and charged."""

    def __init__(self, loader: GroupLoader, capabilities: UpstreamCapabilities) -> None:
        self._loader = loader
        self._whole_results = capabilities.whole_results

    async def complete(
        self, operation: Operation, page: Searchset, *, looks_inside: bool
    ) -> Searchset:
        """Return the page with whole groups only.

        Some groups are read to find out whether the upstream omits elements, if a selection
        `looks_inside`. An incomplete group whose read is refused to this caller is omitted. Raises
        the errors of the other reads.
        """
        if self._whole_results.recently_proven and not page.parts:
            return page
        doubts = doubts_about(page.groups, self._whole_results)
        ids = doubts.parts
        if looks_inside:
            ids = ids + doubts.samples(operation.calls_left // 2)
        if not ids:
            return page
        read = await self._read(operation, page, ids)
        if not self._whole_results.worth_trying:  # a read may just have shown that
            rest = [id for id in page.ids if id not in read]
            read |= await self._read(operation, page, rest)
        return _replaced(page, read)

    async def _read(
        self, operation: Operation, page: Searchset, ids: Collection[str]
    ) -> dict[str, GroupResource | None]:
        shown = {group.id: group for group in page.groups}
        found = await asyncio.gather(
            *(self._loader.find(operation, id, alone=True) for id in ids), return_exceptions=True
        )
        read: dict[str, GroupResource | None] = {}
        for id, group in zip(ids, found, strict=True):
            is_needed = shown[id].is_part or not self._whole_results.worth_trying
            if isinstance(group, BaseException):
                if is_needed or not isinstance(group, GatewayError):
                    raise group
            elif group is not None or is_needed:
                if group and not shown[id].is_part and lacks_elements(shown[id], group):
                    self._whole_results.learn(works=False)
                read[id] = group
        return read


def _replaced(page: Searchset, read: dict[str, GroupResource | None]) -> Searchset:
    entries = tuple(
        read.get(entry.id, entry) if entry is not None else None for entry in page.entries
    )
    return Searchset(page.raw, entries, page.links, page.total, page.broken, page.issues)
