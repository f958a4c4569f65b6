"""One search of one operation, page by page, with parameters that the upstream applies.

It records which parameters work.
"""

from collections.abc import Collection, Sequence

from group_gateway.errors import GatewayError
from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.page_link import NOWHERE, PageLink, Query
from group_gateway.groups.reading.capabilities.capability_reader import CapabilityReader
from group_gateway.groups.reading.capabilities.paging_support import (
    DroppedPage,
    InvalidLink,
    is_refusal,
    unless_refused,
)
from group_gateway.groups.reading.filters.filter_table import GroupFilter
from group_gateway.groups.reading.loading.search_pages import SearchPages
from group_gateway.groups.reading.loading.whole_pages import WholePages
from group_gateway.groups.reading.pages.page_numbers import PAGE_SIZE, with_numbers
from group_gateway.groups.reading.pages.parsed_pages import ParsedPage
from group_gateway.groups.reading.pages.upstream_page import Page
from group_gateway.groups.reading.searches.filter_proof import FilterProof
from group_gateway.groups.reading.searches.filter_pushdown import (
    ParameterSupport,
    covers,
    judge,
    parameters_for,
    uncontrolled,
)
from group_gateway.groups.reading.searches.first_page import FirstPage, open_search
from group_gateway.groups.reading.searches.page_ends import PageEnds
from group_gateway.groups.reading.searches.walk_budget import (
    SCAN_PAGES,
    WalkBudget,
    scan_limit_reached,
)
from group_gateway.operation import Operation

_TOTAL = "_total"


class Search:
    """The pages of a search. Each is fetched once.

    With `is_scan` all groups are scanned, within bounds. `elements` are those that the order needs.
    `is_misled` is whether a later page held groups that don't match, although the upstream seemed
    to filter the first one.
    """

    def __init__(
        self,
        pages: SearchPages,
        whole: WholePages,
        capability_reader: CapabilityReader,
        operation: Operation,
        wanted: GroupFilter,
    ) -> None:
        self.wanted = wanted
        self.is_scan = False
        self.is_misled = False
        self.elements: frozenset[str] = frozenset()
        self.largest = PAGE_SIZE
        self.budget = WalkBudget(operation)
        self._pages = pages
        self._whole = whole
        self._capability_reader = capability_reader
        self._capabilities = capability_reader.capabilities
        self._operation = operation
        self._fetched: dict[PageLink, Searchset] = {}

    @property
    def _proof(self) -> FilterProof:
        return FilterProof(self._capabilities, self._get_apart)  # kept, it would be a cycle

    @property
    def _needs_statement(self) -> bool:
        return self.wanted.needs_statement

    def parameters(self, refused: Collection[str]) -> Query:
        """Return the parameters that the upstream may understand, without refused ones."""
        return parameters_for(self.wanted, self._capabilities, refused)

    def covers(self, query: Query) -> bool:
        """Return whether the applied parameters express the whole filter."""
        return covers(query, self.wanted)

    def may_leave_out(self, name: str) -> bool:  # noqa: ARG002 - all filters can be applied here
        """Return whether a parameter can be applied here."""
        return True

    def matches(self, page: Searchset) -> Sequence[int]:
        """Return the indexes of the entries of a page that match."""
        return self.wanted.matches(page)

    def may_match(self, page: Searchset) -> bool:
        """Return False if no entry of a page matches, where that is quickly found."""
        return self.wanted.may_match(page)

    def _judge(self, query: Query, content: Searchset) -> ParameterSupport:
        return judge(query, self.wanted, content)

    async def start(self, count: int) -> Page:
        """Fetch the first page: `count` groups, or more for a scan."""
        if self._needs_statement:
            await self._capability_reader.ensure(self._operation)
        shown = PAGE_SIZE
        while True:
            request = FirstPage(self, self._capabilities, count)
            link, content = await open_search(request, self._get)
            verdict = self._learn(request, content)
            if verdict.applied and not await self._may_be_empty(request, content):
                continue
            filtered = verdict.applied and request.covers
            page = self.page(link, content, filtered=filtered)
            self._capabilities.paging.shown(
                is_linked=page.is_linked, more=len(page.entries) > shown
            )
            page = await self._ends.judged(page)
            shown = len(page.entries)
            unsized = request.size < PAGE_SIZE and (self.is_scan or not filtered)
            is_looked_through = page.next is not None and (verdict.ignored or unsized)
            if count < PAGE_SIZE and (is_looked_through or self._ends.is_cut(page)):
                count = PAGE_SIZE  # scans use large pages
            elif page.next is None or not await self._finds_more(content):
                return await self._ends.largest(page)

    async def _may_be_empty(self, request: FirstPage, content: Searchset) -> bool:
        """Return False for an empty result that is due to parameters which find nothing."""
        if content.entries or not request.filters:
            return True
        await self._capability_reader.ensure(self._operation)
        names = {name for name, _ in request.filters if self.may_leave_out(name)}
        if not all(map(self._capabilities.may_search_by, names)):
            return False
        return await self._proof.finds_any(names)

    @property
    def _ends(self) -> PageEnds:
        return PageEnds(self._capabilities.paging, self._get, self.page)

    def is_last(self, page: Page) -> bool:
        """Return whether the upstream says by the absence of a link that no page follows."""
        return self._ends.is_last(page)

    def _learn(self, request: FirstPage, content: Searchset) -> ParameterSupport:
        verdict = self._judge(request.filters, content)
        for name in verdict.obeyed | verdict.ignored:
            self._capabilities.parameter(name).learn(works=name in verdict.obeyed)
        for name, _ in request.filters if content.groups else ():
            if name not in verdict.ignored:
                self._capabilities.inclusion(name).learn(works=True)
        return verdict

    async def _finds_more(self, content: Searchset) -> bool:
        """Return whether more parameters can be sent, now that groups are known."""
        return await self._proof.finds(uncontrolled(self.wanted, self._capabilities), content)

    def numbered(self, link: PageLink, offset: int, count: int) -> PageLink:
        """Return the link to `count` groups of the same search, from number `offset` on."""
        return with_numbers(link, self._capabilities.paging.query(count, offset))

    async def follow(self, link: PageLink, *, filtered: bool) -> Page:
        """Fetch the page behind a link of this search.

        Raises UpstreamSearchUnsupported when too many pages were scanned.
        """
        if link == NOWHERE:
            raise InvalidLink("The upstream's page link is not valid FHIR.")
        is_scan = self.is_scan or not filtered
        if is_scan and len(self._fetched) >= SCAN_PAGES and link not in self._fetched:
            looked_at = sum(len(content.groups) for content in self._fetched.values())
            raise scan_limit_reached(looked_at, is_sort=self.is_scan)
        try:
            link, content = await self._get_counted(link)
        except GatewayError as error:
            if not is_refusal(error):
                raise
            raise DroppedPage(
                "The upstream has dropped this page of the search. Start again at the first one.",
                correlation_id=error.correlation_id,
                issues=error.issues,
            ) from error
        if filtered and not all(map(self.wanted.fits, content.groups)):
            filtered = False
            self.is_misled = True
        return self.page(link, content, filtered=filtered)

    async def _get_counted(self, link: PageLink) -> tuple[PageLink, Searchset]:
        """Get a page, with a smaller `_count` if the requested one is too large."""
        while True:
            try:
                return link, await self._get(link)
            except GatewayError as error:
                fewer = self._capabilities.paging.with_fewer(link, error)
                if fewer is None:
                    raise
                link = fewer

    async def is_proven(self, page: Page, total: int) -> bool:
        """Return whether the upstream's total of a search is reliable, given a page of it.

        It is not if the page alone holds as many groups or more, and others follow.
        """
        if page.is_first and page.next is None:
            return True
        if page.shows_more_than(total):
            return False
        query = self.parameters(())
        if not self.covers(query):
            return False
        return not query or await self._proof.holds(query, page.content)

    async def total(self, page: Page) -> int | None:
        """Count the groups of a search that the upstream filters, given any page of it.

        None when the upstream does not say.
        """
        if page.is_first and page.next is None:
            return len(page.groups)
        if page.content.total is not None:
            return page.content.total
        query = parameters_for(self.wanted, self._capabilities)
        asking = self._capabilities.parameter(_TOTAL)
        if not asking.worth_trying or not covers(query, self.wanted):
            return None
        paging = self._capabilities.paging.query(1)
        link = PageLink((*query, *paging, (_TOTAL, "accurate")))
        content = await unless_refused(self._get(link))
        total = None if content is None else content.total
        asking.learn(works=total is not None)
        return total

    async def _get(self, link: PageLink) -> Searchset:
        """Get a whole page within the deadline, the budget and the time slice."""
        await self.budget.spend()
        content = self._fetched.get(link)
        if content is None:
            content = await self._pages.get(self._operation, link)
            content = await self._whole.complete(self._operation, content, self._asked)
            self._fetched[link] = content
        return content

    @property
    def _asked(self) -> frozenset[str]:
        """The elements that this search needs."""
        return self._operation.elements | self.elements | self.wanted.elements

    async def known_walk(self, page: Page) -> Sequence[ParsedPage]:
        """Return a page and all after it, if an earlier walk saw them and they are valid still.

        No group is on two of them. Empty where that isn't known.
        """
        walk = await self._pages.walk(self._operation, page.link)
        if (
            walk is None
            or walk.pages[0].page is not page.content
            or not self._whole.are_whole(self._asked, has_subsetted=walk.has_subsetted)
            or (page.filtered and not self.covers(()))
        ):
            return ()
        await self.budget.spend(len(walk.pages))
        self._operation.depends_on(walk.dependency)
        return walk.pages

    def keep_walk(self, pages: Sequence[Page]) -> None:
        """Keep a walk that went to the end without showing a group twice."""
        if 1 < len(pages) <= SCAN_PAGES and (not pages[-1].filtered or self.covers(())):
            self._pages.keep_walk(self._operation, [(page.link, page.content) for page in pages])

    async def _get_apart(self, link: PageLink) -> Searchset:
        """Get a page that does not belong to the walk and does not count as scanned."""
        is_new = link not in self._fetched
        content = await self._get(link)
        if is_new:
            del self._fetched[link]
        return content

    def page(self, link: PageLink, content: Searchset, *, filtered: bool) -> Page:
        """Return a page, and note how many groups the upstream returns at most."""
        may_be_cut = self._capabilities.paging.may_cut(len(content.entries))
        page = Page.of(content, link, filtered=filtered, may_be_cut=may_be_cut)
        self.largest = min(self.largest, page.cap or self.largest)
        return page
