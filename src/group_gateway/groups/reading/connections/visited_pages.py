"""The pages that a walk has visited, so that it ends whatever an upstream links."""

from collections.abc import Collection

from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.fhir.page_link import PageLink
from group_gateway.groups.reading.pages.upstream_page import Page

MOST_EMPTY_PAGES = 20
"""Pages in a row that may hold no group before a search counts as endless."""
_LOOP = "The upstream's page links form a loop."
_EMPTY = "The upstream returns page after page without a group."


class EndlessPages(UpstreamInvalidResponse):
    """The upstream's page links lead in a circle, or to one empty page after the other."""


class VisitedPages:
    """The pages that one walk has visited."""

    def __init__(self, link: PageLink) -> None:
        self._links = {link}
        self._empty = 0

    def contains(self, link: PageLink) -> bool:
        """Return whether a page was visited."""
        return link in self._links

    def add(self, link: PageLink) -> None:
        """Record the next page; raise EndlessPages if it was visited before."""
        if link in self._links:
            raise EndlessPages(_LOOP)
        self._links.add(link)

    @staticmethod
    def check_direction(page: Page) -> None:
        """Raise EndlessPages when the link to the next page leads back.

        A walk that continues at a cursor does not know the pages before it.
        """
        links, following = page.content.links, page.next
        if following in {links.get("first"), links.get("previous")} or page.leads_to_earlier:
            raise EndlessPages(_LOOP)

    def check(self, page: Page, seen: Collection[str]) -> None:
        """Raise EndlessPages when pages hold nothing new."""
        if page.groups and all(id in seen for id in page.ids):
            raise EndlessPages(_LOOP)
        self._empty = 0 if page.groups else self._empty + 1
        if self._empty > MOST_EMPTY_PAGES:
            raise EndlessPages(_EMPTY)
