"""One search of one operation: opened with parameters that the upstream obeys, page by page.

Learns on the way which parameters work.
"""

from group_gateway.errors import (
    BadUserInput,
    GatewayError,
    UpstreamInvalidResponse,
    UpstreamSearchUnsupported,
)
from group_gateway.fhir.bundle import PageLink, Query, Searchset
from group_gateway.groups.reading.capabilities import UpstreamCapabilities
from group_gateway.groups.reading.capability_probe import CapabilityReader
from group_gateway.groups.reading.filters import GroupFilter
from group_gateway.groups.reading.pagination import PAGE_SIZE, Page, numbers
from group_gateway.groups.reading.search_pages import SearchPages
from group_gateway.groups.reading.search_parameters import (
    ParameterSupport,
    covers,
    is_refusal,
    judge,
    parameters_for,
)
from group_gateway.operation import Operation

SCAN_PAGES = 20
"""Pages looked through for one answer when the upstream can't filter by itself."""
_TOTAL = "_total"


class Search:
    """The pages of a search. Each is fetched once."""

    def __init__(
        self,
        pages: SearchPages,
        learning: CapabilityReader,
        operation: Operation,
        wanted: GroupFilter,
    ) -> None:
        self.wanted = wanted
        self.largest = PAGE_SIZE
        self._pages = pages
        self._learning = learning
        self._operation = operation
        self._fetched: dict[PageLink, Searchset] = {}

    @property
    def _capabilities(self) -> UpstreamCapabilities:
        return self._learning.capabilities

    async def start(self, count: int) -> Page:
        """Fetch the first page; `count` groups, or more where they must be looked through."""
        if self.wanted.patient is not None or self.wanted.practitioner is not None:
            await self._learning.ensure(self._operation)
        refused: list[str] = []
        while True:
            query = parameters_for(self.wanted, self._capabilities, refused)
            size = min(count, PAGE_SIZE) if covers(query, self.wanted) else PAGE_SIZE
            link = PageLink((*query, *numbers(0, size)))
            try:
                content = await self._get(link)
            except GatewayError as error:
                if not query or not is_refusal(error):
                    raise
                refused.append(query[-1][0])
                continue
            if refused:
                self._capabilities.refuse(refused[-1])
            verdict = self._learn(query, content)
            filtered = verdict.applied and covers(query, self.wanted)
            page = self._page(link, content, filtered=filtered)
            if page.next is None or not (verdict.ignored or (size < PAGE_SIZE and not filtered)):
                return page
            count = PAGE_SIZE  # what is to be looked through is looked through in large pages

    def _learn(self, query: Query, content: Searchset) -> ParameterSupport:
        verdict = judge(query, self.wanted, content)
        for name in verdict.obeyed | verdict.ignored:
            self._capabilities.parameter(name).learn(works=name in verdict.obeyed)
        return verdict

    async def follow(self, link: PageLink, *, filtered: bool) -> Page:
        """Fetch the page behind a link of this search.

        Raises UpstreamSearchUnsupported when too many pages were looked through.
        """
        if not link.query:
            raise UpstreamInvalidResponse("The upstream links its pages in a way that is not FHIR.")
        if not filtered and len(self._fetched) >= SCAN_PAGES and link not in self._fetched:
            looked_at = sum(len(content.groups) for content in self._fetched.values())
            raise UpstreamSearchUnsupported(
                "The upstream does not search by what was asked for, and the answer was not among"
                f" {looked_at} groups. Ask for fewer at a time, or narrow the filter by type."
            )
        try:
            content = await self._get(link)
        except GatewayError as error:
            if not is_refusal(error):
                raise
            raise BadUserInput(
                "The upstream has dropped this page of the search. Start again at the first one.",
                correlation_id=error.correlation_id,
                issues=error.issues,
            ) from error
        return self._page(link, content, filtered=filtered)

    async def total(self, page: Page) -> int | None:
        """Count the groups of a search that the upstream filters, given any page of it.

        None when the upstream does not say.
        """
        if page.content.total is not None:
            return page.content.total
        if page.is_first and page.next is None:
            return len(page.groups)
        query = parameters_for(self.wanted, self._capabilities)
        asking = self._capabilities.parameter(_TOTAL)
        if not asking.worth_trying or not covers(query, self.wanted):
            return None
        try:
            link = PageLink((*query, *numbers(0, 1), (_TOTAL, "accurate")))
            total = (await self._get(link)).total
        except GatewayError as error:
            if not is_refusal(error):
                raise
            total = None
        asking.learn(works=total is not None)
        return total

    async def _get(self, link: PageLink) -> Searchset:
        content = self._fetched.get(link)
        if content is None:
            content = self._fetched[link] = await self._pages.get(self._operation, link)
        return content

    def _page(self, link: PageLink, content: Searchset, *, filtered: bool) -> Page:
        page = Page.of(content, link, filtered=filtered)
        self.largest = min(self.largest, page.cap or self.largest)
        return page
