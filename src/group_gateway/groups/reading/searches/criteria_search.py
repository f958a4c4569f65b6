"""A search by FHIR's own parameters, of which the upstream may apply all, some or none.

Refused parameters are omitted, and parameters that the upstream did not apply are applied here,
within bounds. A parameter that can't be checked here must be applied by the upstream.
"""

from collections.abc import Collection
from typing import Any, Final

from group_gateway.errors import UpstreamSearchUnsupported
from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.page_link import PageLink, Query
from group_gateway.groups.reading.capabilities.capability_reader import CapabilityReader
from group_gateway.groups.reading.capabilities.paging_support import unless_refused
from group_gateway.groups.reading.filters.filter_table import GroupFilter
from group_gateway.groups.reading.filters.search_criteria import SORT, SearchCriteria
from group_gateway.groups.reading.loading.search_pages import SearchPages
from group_gateway.groups.reading.loading.whole_pages import WholePages
from group_gateway.groups.reading.pages.upstream_page import Page
from group_gateway.groups.reading.searches.filter_pushdown import ParameterSupport
from group_gateway.groups.reading.searches.search import Search
from group_gateway.operation import Operation

_WELL_KNOWN: Final = frozenset({"_id", "type"})
"""Parameters that are tried even if the upstream does not declare them."""
_NO_ENTRIES: Final = "_count=0"
_MEMBER: Final = "member"
_PATIENT: Final = "patient"
_KIND: Final = "Patient/"


class CriteriaSearch(Search):
    """The pages of a search by `criteria`. Each is fetched once."""

    def __init__(
        self,
        pages: SearchPages,
        whole: WholePages,
        reader: CapabilityReader,
        operation: Operation,
        criteria: SearchCriteria,
    ) -> None:
        super().__init__(pages, whole, reader, operation, GroupFilter())
        self.criteria = criteria
        self.wanted: Any = criteria

    @property
    def _needs_statement(self) -> bool:
        return bool(self.criteria.names - _WELL_KNOWN)

    def parameters(self, refused: Collection[str]) -> Query:
        """Return the parameters to send."""
        skipped = {n for n in self.criteria.names if not self._capabilities.may_search_by(n)}
        return self._query(frozenset(skipped.union(refused) - self.criteria.uncheckable))

    def covers(self, query: Query) -> bool:
        """Return whether the applied parameters express the whole search."""
        names = {_MEMBER if name == _PATIENT else name for name, _ in query}
        return names >= self.criteria.names

    def may_match(self, page: Searchset) -> bool:  # noqa: ARG002 - only the entries can tell
        """Return True: nothing quicker than `matches` tells."""
        return True

    def may_leave_out(self, name: str) -> bool:
        """Return whether a parameter can be applied here."""
        return name not in self.criteria.uncheckable

    def _judge(self, query: Query, content: Searchset) -> ParameterSupport:
        ignored = self._ignored(query, content)
        self._check_applied(ignored)
        return ParameterSupport(applied=not ignored, ignored=ignored)

    async def _finds_more(self, content: Searchset) -> bool:  # noqa: ARG002 - all are sent at once
        return False

    async def start(self, count: int) -> Page:
        """Fetch the first page, of groups by which what can't be checked here was applied."""
        page = await super().start(count)
        names = self.criteria.uncheckable
        if page.next is None and len(page.groups) <= 1:
            names -= {SORT}  # there is no order of one
        sent = tuple(pair for pair in self._query(frozenset()) if pair[0] in names)
        if page.groups and not await self._proof.holds(sent, page.content):
            self._check_applied(names)
        return page

    async def total(self, page: Page) -> int | None:
        """Count the groups of a search that the upstream filters, given any page of it."""
        if page.is_first and page.next is None:
            return len(page.groups)
        if page.content.total is not None:
            return page.content.total
        link = PageLink((*self.parameters(()), ("_count", "0"), ("_total", "accurate")))
        content = await unless_refused(self._get(link))
        return None if content is None else content.total

    async def count(self) -> int | None:
        """Count the groups by a search without entries, if the upstream applies every parameter."""
        probe = self._capabilities.parameter(_NO_ENTRIES)
        skipped = any(not self._capabilities.may_search_by(n) for n in self.criteria.names)
        if skipped or not probe.worth_trying:
            return None
        query = self._query(frozenset())
        content = await unless_refused(self._get(PageLink((*query, ("_count", "0")))))
        if content is None:
            probe.learn(works=False)
            return None
        own = content.links.get("self")
        echoed = {name for name, _ in own.query} if own is not None else set()
        if content.total is None or not {name for name, _ in query} <= echoed:
            return None
        if not query or not content.total:
            return content.total
        page = await self.start(1)
        is_believed = page.filtered and await self.is_proven(page, content.total)
        return content.total if is_believed else None

    def _query(self, skipped: frozenset[str]) -> Query:
        """Return the parameters to send; Canvas Medical's `patient` may replace `member`."""
        query = self.criteria.query(skipped)
        members = next((c.values for c in self.criteria.criteria if c.name == _MEMBER), ())
        only_patients = members and all(value.startswith(_KIND) for value in members)
        replaced = only_patients and _MEMBER in skipped and _PATIENT not in skipped
        if replaced and self._capabilities.may_search_by(_PATIENT):
            ids = ",".join(value.removeprefix(_KIND) for value in members)
            return (*query, (_PATIENT, ids))
        return query

    def _ignored(self, query: Query, content: Searchset) -> frozenset[str]:
        """Return the parameters that the upstream is not known to have applied to a page."""
        names = frozenset(name for name, _ in query)
        unfit = {name for group in content.groups for name in self.criteria.misfits(group)}
        if _PATIENT in names and _MEMBER in unfit:
            unfit.add(_PATIENT)
        own = content.links.get("self")
        if own is None:
            return names if content.groups else frozenset()
        missing = names - {name for name, _ in own.query}
        return frozenset(unfit & names) | (missing if content.groups else frozenset())

    def _check_applied(self, ignored: frozenset[str]) -> None:
        if ignored & self.criteria.uncheckable:
            names = " and ".join(
                f"`{name}`" for name in sorted(ignored & self.criteria.uncheckable)
            )
            raise UpstreamSearchUnsupported(f"The upstream does not support {names}.")
