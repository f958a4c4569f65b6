"""Positions on the pages of a search, as cursors hold them. Pure."""

from dataclasses import dataclass
from typing import Any

from group_gateway.fhir.page_link import PageLink
from group_gateway.groups.reading.pages.upstream_page import Page


@dataclass(frozen=True, slots=True)
class PagePosition:
    """The position of a group: an index on the page behind `link`, and the group's `id`.

    `offset` is the number of groups before that page, None where only links lead on. `filtered` is
    whether the upstream applied the whole filter, `total` the number of groups that it counted.
    """

    link: PageLink
    index: int
    offset: int | None
    filtered: bool
    id: str
    total: int | None = None

    @property
    def number(self) -> int | None:
        """The number of groups before this one; None where the upstream does not page by offset."""
        return None if self.offset is None else self.offset + self.index

    @classmethod
    def from_json(cls, place: list[Any]) -> "PagePosition":
        """Parse a position that `Page.place` made."""
        query, path, text, index, offset, filtered, id, *total = place
        link = PageLink(tuple((name, value) for name, value in query), path, text)
        return cls(link, index, offset, filtered, id, *total)

    def find(self, page: Page) -> int | None:
        """Return the index of its group on a page; None when it is absent."""
        ids = [None if group is None else group.id for group in page.entries]
        return ids.index(self.id) if self.id in ids else None
