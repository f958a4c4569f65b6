"""The reads that resolvers call: one group, groups by id, a search."""

from collections.abc import Sequence

from group_gateway.digests import DigestKeys
from group_gateway.errors import BadUserInput
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.groups.reading.capabilities.capability_reader import CapabilityReader
from group_gateway.groups.reading.connections.cursor import Cursors
from group_gateway.groups.reading.connections.id_list import IdList
from group_gateway.groups.reading.connections.paginator import Paginator
from group_gateway.groups.reading.connections.relay_connection import Connection, Paging, Source
from group_gateway.groups.reading.connections.sorted_groups import SortedGroups
from group_gateway.groups.reading.connections.upstream_order import LAST_UPDATED, UpstreamOrder
from group_gateway.groups.reading.filters.filter_table import GroupFilter
from group_gateway.groups.reading.filters.sort_keys import ELEMENTS, GroupOrder
from group_gateway.groups.reading.loading.group_loader import GroupLoader
from group_gateway.groups.reading.loading.search_pages import SearchPages
from group_gateway.groups.reading.loading.whole_pages import WholePages
from group_gateway.groups.reading.searches.search import Search
from group_gateway.groups.reading.searches.sorted_search import SortedSearch
from group_gateway.logical_ids import checked_id
from group_gateway.operation import Operation

MOST_IDS = 1000


class GroupReads:
    """Read groups for the operation that each call names."""

    def __init__(
        self, loader: GroupLoader, pages: SearchPages, reader: CapabilityReader, keys: DigestKeys
    ) -> None:
        self._loader = loader
        self._pages = pages
        self._reader = reader
        self._whole = WholePages(loader, reader.capabilities)
        self._keys = keys

    async def get(self, operation: Operation, id: str) -> GroupResource | None:
        """Return a group; None when there is none. Raises BadUserInput for a malformed id."""
        operation.caller.require("read")
        group = await self._loader.load(operation, checked_id(id))
        if group is not None:
            operation.record_read((id,))
        return group

    def connection(
        self,
        operation: Operation,
        wanted: GroupFilter,
        paging: Paging,
        ids: Sequence[str] | None = None,
        orders: Sequence[GroupOrder] = (),
    ) -> Connection:
        """Return a connection over the matching groups; with `ids`, over those only, in that order.

        Raises BadUserInput for malformed ids and for a cursor of another query.
        """
        operation.caller.require("search")
        for id in (wanted.patient, wanted.practitioner):
            if id is not None:
                checked_id(id)
        source: Source
        if ids is None:
            search = Search(self._pages, self._whole, self._reader, operation, wanted)
            search.is_scan = bool(orders)
            search.elements = frozenset(ELEMENTS[order.field] for order in orders)
            source, search_text = Paginator(search), f"search {wanted.canonical_text}"
        else:
            distinct = list(dict.fromkeys(map(checked_id, ids)))
            if len(distinct) > MOST_IDS:
                raise BadUserInput(f"A filter takes at most {MOST_IDS} ids.")
            source = IdList(lambda id: self._loader.find(operation, id), distinct, wanted)
            search_text = f"ids {distinct} {wanted.canonical_text}"
        if orders:
            unsorted = source
            source = SortedGroups(source, orders)
            if ids is None and [order.field for order in orders] == ["last_updated"]:
                source = self._by_last_update(operation, unsorted, wanted, orders[0], source)
            search_text += f" by {[(order.field, order.descending) for order in orders]}"
        cursors = Cursors(self._keys, search_text)
        return Connection(source, cursors, paging, operation.record_read)

    def _by_last_update(
        self,
        operation: Operation,
        unsorted: Source,
        wanted: GroupFilter,
        order: GroupOrder,
        local: Source,
    ) -> Source:
        def search(bounded: GroupFilter, descending: bool) -> SortedSearch:  # noqa: FBT001
            return SortedSearch(
                self._pages,
                self._whole,
                self._reader,
                operation,
                bounded,
                LAST_UPDATED,
                "last_updated",
                descending=descending,
            )

        return UpstreamOrder(search, unsorted, wanted, order, local)
