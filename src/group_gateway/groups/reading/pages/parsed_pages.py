"""Parsed search pages, kept beside the cache entries that they were parsed from.

A walk over cached pages, such as a search by name while somebody types, then parses none of them
again. A page is valid only while its entry is. The memory of all pages is bounded.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from group_gateway.bounded_lru import BoundedLRU
from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.page_link import PageLink
from group_gateway.operation import CacheDependency

MOST_BYTES = 64 * 1024 * 1024
_PER_ENTRY = 2048
"""Bytes that a group's objects may take beside its text, with what filters keep of it."""


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """A page, the link behind which it was found, and the cache entry that it is valid with."""

    page: Searchset
    link: PageLink
    dependency: CacheDependency


Key = tuple[str, PageLink]
"""A caller's scope, and the link behind which the page was found."""


def size_of(page: Searchset) -> int:
    """Return the bytes that a parsed page may take in memory."""
    return 2 * len(page.raw) + _PER_ENTRY * len(page.entries)


class ParsedPages:
    """Pages of all callers, each for its own caller only; the least recently used are dropped."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._pages: BoundedLRU[Key, ParsedPage] = BoundedLRU(max_bytes=most_bytes)

    def get(self, key: Key) -> ParsedPage | None:
        """Return the page of an entry; None when there is none."""
        return self._pages.get(key)

    def all(self, scope: str, pages: Iterable[tuple[PageLink, Searchset]]) -> list[ParsedPage]:
        """Return these pages with their entries; none at all unless each is kept as it is."""
        found: list[ParsedPage] = []
        for link, page in pages:
            kept = self._pages.peek((scope, link))
            if kept is None or kept.page is not page:
                return []
            found.append(kept)
        return found

    def put(self, key: Key, page: Searchset, dependency: CacheDependency) -> None:
        """Keep the page of an entry."""
        self._pages.put(key, ParsedPage(page, key[1], dependency), size_of(page))

    def drop(self, key: Key) -> None:
        """Drop the page of an entry."""
        self._pages.pop(key)

    def clear(self) -> None:
        """Drop all pages."""
        self._pages.clear()
