"""A search whose results the upstream sorts, where it is proven to."""

from collections.abc import Collection

from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.page_link import Query
from group_gateway.groups.reading.capabilities.capability_reader import CapabilityReader
from group_gateway.groups.reading.filters.filter_table import GroupFilter
from group_gateway.groups.reading.filters.search_criteria import SORT
from group_gateway.groups.reading.filters.sort_keys import Field, key_of
from group_gateway.groups.reading.loading.search_pages import SearchPages
from group_gateway.groups.reading.loading.whole_pages import WholePages
from group_gateway.groups.reading.pages.upstream_page import Page
from group_gateway.groups.reading.searches.first_page import FirstPage
from group_gateway.groups.reading.searches.search import Search
from group_gateway.operation import Operation


class NotSortedError(Exception):
    """The upstream does not sort so."""


class OutOfOrderError(NotSortedError):
    """Its order is another one than the sort parameter says."""


class SortedSearch(Search):
    """The pages of a search, sorted by a parameter of the upstream that stands for a field."""

    def __init__(  # noqa: PLR0913, PLR0917 - a search, and its order
        self,
        pages: SearchPages,
        whole: WholePages,
        reader: CapabilityReader,
        operation: Operation,
        wanted: GroupFilter,
        parameter: str,
        field: Field,
        *,
        descending: bool,
    ) -> None:
        super().__init__(pages, whole, reader, operation, wanted)
        self._parameter = parameter
        self._field: Field = field
        self._order: Query = ((SORT, f"-{parameter}" if descending else parameter),)

    def parameters(self, refused: Collection[str]) -> Query:
        """Return the parameters that the upstream may understand, without refused ones."""
        order = () if SORT in refused else self._order
        return (*super().parameters(refused), *order)

    def covers(self, query: Query) -> bool:
        """Return whether the upstream filters and sorts."""
        return SORT in dict(query) and super().covers(query)

    async def start(self, count: int) -> Page:
        """Fetch the first page. Raises NotSortedError unless the upstream filters and sorts."""
        await self._capability_reader.ensure(self._operation)
        declared = self._capabilities.declared or frozenset()
        if self._parameter not in declared or not self.covers(self.parameters(())):
            raise NotSortedError
        if not await self._proof.sorts_by(self._parameter, lambda g: key_of(g, self._field)):
            raise NotSortedError
        page = await super().start(count)
        if not page.filtered:
            self.is_not_sorted()
            raise NotSortedError
        return page

    async def _may_be_empty(self, request: FirstPage, content: Searchset) -> bool:  # noqa: ARG002
        """Return True; raise NotSortedError for an empty result, which a search here proves."""
        if not content.entries:
            raise NotSortedError
        return True

    def is_not_sorted(self) -> None:
        """Record that the upstream's order is another one."""
        self._proof.disprove_order(self._parameter)
