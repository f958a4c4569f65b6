"""Parsed search pages, kept beside the cache entries that they were parsed from.

A walk over cached pages, such as a search by name while somebody types, then parses none of them
again. A page is valid only while its entry is. The memory of all pages is bounded.
"""

from collections import OrderedDict
from dataclasses import dataclass

from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.page_link import PageLink
from group_gateway.operation import CacheDependency

MOST_BYTES = 64 * 1024 * 1024
_PER_ENTRY = 2048
"""Bytes that a group's objects may take beside its text, with what filters keep of it."""


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """A page, and its cache entry."""

    page: Searchset
    part: CacheDependency
    bytes: int


Key = tuple[str, PageLink]
"""A caller's scope, and the link behind which the page was found."""


class ParsedPages:
    """Pages of all callers, each for its own caller only; the least recently used are dropped."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._pages: OrderedDict[Key, ParsedPage] = OrderedDict()

    def get(self, key: Key) -> ParsedPage | None:
        """Return the page of an entry."""
        kept = self._pages.get(key)
        if kept is not None:
            self._pages.move_to_end(key)
        return kept

    def put(self, key: Key, page: Searchset, part: CacheDependency) -> None:
        """Keep the page of an entry."""
        self.drop(key)
        size = 2 * len(page.raw) + _PER_ENTRY * len(page.entries)
        self._pages[key] = ParsedPage(page, part, size)
        self._bytes += size
        while self._bytes > self._most_bytes:
            self.drop(next(iter(self._pages)))

    def drop(self, key: Key) -> None:
        """Forget the page of an entry."""
        kept = self._pages.pop(key, None)
        if kept is not None:
            self._bytes -= kept.bytes

    def clear(self) -> None:
        """Forget all pages."""
        self._pages.clear()
        self._bytes = 0
