"""A search by FHIR's own parameters, of which the upstream may apply all, some or none.

What it refuses is left out, and what it did not apply is filtered here, within bounds. A parameter
that can't be checked here must be applied by the upstream.
"""

from typing import Any, Final

from group_gateway.errors import GatewayError, UpstreamSearchUnsupported
from group_gateway.fhir.bundle import PageLink, Query, Searchset
from group_gateway.groups.reading.capability_probe import CapabilityReader
from group_gateway.groups.reading.filters import GroupFilter
from group_gateway.groups.reading.pagination import PAGE_SIZE, Page, numbers
from group_gateway.groups.reading.search import Search
from group_gateway.groups.reading.search_criteria import SearchCriteria
from group_gateway.groups.reading.search_pages import SearchPages
from group_gateway.groups.reading.search_parameters import is_refusal
from group_gateway.operation import Operation

_WELL_KNOWN: Final = frozenset({"_id", "type"})
"""Parameters that are tried without asking whether the upstream declares them."""
_NO_ENTRIES: Final = "_count=0"
_MEMBER: Final = "member"
_PATIENT: Final = "patient"
_KIND: Final = "Patient/"


class CriteriaSearch(Search):
    """The pages of a search by `criteria`. Each is fetched once."""

    def __init__(
        self,
        pages: SearchPages,
        reader: CapabilityReader,
        operation: Operation,
        criteria: SearchCriteria,
    ) -> None:
        super().__init__(pages, reader, operation, GroupFilter())
        self.criteria = criteria
        self.wanted: Any = criteria

    async def start(self, count: int) -> Page:
        """Fetch the first page; `count` groups, or more where they must be looked through."""
        if self.criteria.names - _WELL_KNOWN:
            await self._learning.ensure(self._operation)
        skipped = {n for n in self.criteria.names if not self._capabilities.may_search_by(n)}
        skipped -= self.criteria.uncheckable
        while True:
            query = self._query(frozenset(skipped))
            size = min(count, PAGE_SIZE) if not skipped else PAGE_SIZE
            link = PageLink((*query, *numbers(0, size)))
            try:
                content = await self._get(link)
            except GatewayError as error:
                refused = self._refused(query, error)
                if refused is None:
                    raise
                skipped.add(refused)
                continue
            ignored = self._ignored(query, content)
            self._check_applied(ignored)
            page = self._page(link, content, filtered=not skipped and not ignored)
            if page.next is None or page.filtered or size == PAGE_SIZE:
                return page
            count = PAGE_SIZE  # what is to be looked through is looked through in large pages
            skipped |= ignored

    async def total(self, page: Page) -> int | None:
        """Count the groups of a search that the upstream filters, given any page of it."""
        if page.content.total is not None:
            return page.content.total
        if page.is_first and page.next is None:
            return len(page.groups)
        link = PageLink((*self._query(frozenset()), ("_count", "0"), ("_total", "accurate")))
        try:
            return (await self._get(link)).total
        except GatewayError as error:
            if is_refusal(error):
                return None
            raise

    async def count(self) -> int | None:
        """Count the groups by a search without entries, where the upstream applies everything."""
        probe = self._capabilities.parameter(_NO_ENTRIES)
        skipped = any(not self._capabilities.may_search_by(n) for n in self.criteria.names)
        if skipped or not probe.worth_trying:
            return None
        query = self._query(frozenset())
        try:
            content = await self._get(PageLink((*query, ("_count", "0"))))
        except GatewayError as error:
            if not is_refusal(error):
                raise
            probe.learn(works=False)
            return None
        own = content.links.get("self")
        echoed = {name for name, _ in own.query} if own is not None else set()
        return content.total if {name for name, _ in query} <= echoed else None

    def _query(self, skipped: frozenset[str]) -> Query:
        """Return what is sent; Canvas Medical's `patient` stands in for `member` where it can."""
        query = self.criteria.query(skipped)
        members = next((c.values for c in self.criteria.criteria if c.name == _MEMBER), ())
        only_patients = members and all(value.startswith(_KIND) for value in members)
        if only_patients and _MEMBER in skipped and self._capabilities.may_search_by(_PATIENT):
            ids = ",".join(value.removeprefix(_KIND) for value in members)
            return (*query, (_PATIENT, ids))
        return query

    def _refused(self, query: Query, error: GatewayError) -> str | None:
        """Return the parameter to leave out after a refusal; None when nothing is left to try."""
        names = [name for name, _ in query if name not in self.criteria.uncheckable]
        if not names or not is_refusal(error):
            return None
        self._capabilities.refuse(names[-1])
        return names[-1]

    def _ignored(self, query: Query, content: Searchset) -> frozenset[str]:
        """Return the parameters that the upstream is not known to have applied to a page."""
        names = frozenset(name for name, _ in query)
        unfit = {name for group in content.groups for name in self.criteria.misfits(group)}
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
