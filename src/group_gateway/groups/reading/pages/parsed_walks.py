"""Walks over whole lists of groups, kept as the parsed pages that they went over.

A search by name while somebody types walks over the same pages for each word. It takes those of the
walk before at once, as long as all their cache entries are valid.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from group_gateway.bounded_lru import BoundedLRU
from group_gateway.groups.reading.pages.parsed_pages import MOST_BYTES, Key, ParsedPage, size_of
from group_gateway.operation import CacheDependency


@dataclass(frozen=True, slots=True)
class ParsedWalk:
    """All pages of a list in order, and the cache entries that they depend on, as one.

    `has_subsetted` is whether a page may hold a group without all its elements.
    """

    pages: Sequence[ParsedPage]
    dependency: CacheDependency
    has_subsetted: bool

    @classmethod
    def of(cls, pages: Sequence[ParsedPage]) -> "ParsedWalk":
        """Return the walk over pages of one upstream, which are invalidated by the same tag."""
        dependencies = [kept.dependency for kept in pages]
        [tag] = {one.tag for one in dependencies}
        dependency = CacheDependency(
            tag, min(one.position for one in dependencies), min(one.expires for one in dependencies)
        )
        return cls(pages, dependency, any(kept.page.subsetted for kept in pages))


class ParsedWalks:
    """Walks of all callers, each for its own caller only; the least recently used are dropped.

    They are kept by the caller's scope and the link to the first page. Their memory is bounded; the
    pages are often those of `ParsedPages`, and then take none of their own.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._walks: BoundedLRU[Key, ParsedWalk] = BoundedLRU(max_bytes=most_bytes)

    def get(self, key: Key) -> ParsedWalk | None:
        """Return the walk that began there; None when there is none."""
        return self._walks.get(key)

    def put(self, key: Key, pages: Sequence[ParsedPage]) -> None:
        """Keep a walk."""
        self._walks.put(key, ParsedWalk.of(pages), sum(size_of(kept.page) for kept in pages))

    def drop(self, key: Key) -> None:
        """Drop a walk."""
        self._walks.pop(key)

    def clear(self) -> None:
        """Drop all walks."""
        self._walks.clear()
