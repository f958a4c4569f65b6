"""Where a list ends: whether a page without a `next` link is the last one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from group_gateway.errors import UpstreamSearchUnsupported
from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.page_link import PageLink
from group_gateway.groups.reading.capabilities.paging_support import (
    COUNT,
    PagingSupport,
    unless_refused,
    with_count,
)
from group_gateway.groups.reading.pages.page_numbers import PAGE_SIZE
from group_gateway.groups.reading.pages.upstream_page import LARGEST_REQUEST, Page


class _MakePage(Protocol):
    def __call__(self, link: PageLink, content: Searchset, *, filtered: bool) -> Page: ...


def _of_one(link: PageLink) -> PageLink:
    """Return the link to the first group of a page."""
    rest = tuple(pair for pair in link.query if pair[0] != COUNT)
    return PageLink((*rest, (COUNT, "1")), link.path)


@dataclass(frozen=True, slots=True)
class PageEnds:
    """Judges the first page of a search; `get` fetches others, and `page` makes pages of them."""

    paging: PagingSupport
    get: Callable[[PageLink], Awaitable[Searchset]]
    page: _MakePage

    def is_last(self, page: Page) -> bool:
        """Return whether the upstream says by the absence of a link that no page follows."""
        return not page.is_linked and self.paging.links.proven

    def is_cut(self, page: Page) -> bool:
        """Return whether a page may end where it does because it is full, without a `next`."""
        return page.is_filled and not page.is_linked and not self.is_last(page)

    async def judged(self, page: Page) -> Page:
        """Return a page with how it continues, now that it is known whether pages are linked.

        A page may end early without a `next` link. Whether the upstream has such links shows when
        one group is requested where there are several.

        Raises UpstreamSearchUnsupported if there may be more groups, and no way to them.
        """
        count = len(page.entries)
        if page.is_short and self.paging.is_doubtful(count):
            self.paging.judged = count
            first = await unless_refused(self.get(_of_one(page.link)))
            is_linked = first is not None and "next" in first.links
            if is_linked or (first is not None and len(first.entries) == 1):
                self.paging.links.learn(works=is_linked)
        page = self.page(page.link, page.content, filtered=page.filtered)
        if page.is_short and page.is_lowered and not self.paging.links.worth_trying:
            raise UpstreamSearchUnsupported(
                f"The upstream shows {count} groups at most, and has no way to the others. Narrow"
                " the filter."
            )
        return page

    async def largest(self, page: Page) -> Page:
        """Return a page with more of the groups that an upstream shows, but does not link."""
        if not self.is_cut(page) or page.link.parameter(COUNT) != str(PAGE_SIZE):
            return page
        link = with_count(page.link, LARGEST_REQUEST)
        content = await unless_refused(self.get(link))
        if content is None:
            return page
        larger = self.page(link, content, filtered=page.filtered)
        return larger if len(larger.entries) > len(page.entries) else page
