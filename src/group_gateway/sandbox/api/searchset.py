"""A page of a search as a FHIR Bundle, joined from stored texts without decoding them.

Links are relative and echo what was applied; quirks make them absolute, opaque or absent.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from group_gateway.sandbox import codec
from group_gateway.sandbox.data.records import Search
from group_gateway.sandbox.outcome import refuse
from group_gateway.sandbox.quirks import Quirks


@dataclass(frozen=True, slots=True)
class Linker:
    """Make the page links of one search."""

    search: Search
    quirks: Quirks
    base: str
    """Scheme and host, for absolute links."""
    paged: bool
    """Whether the request itself followed an opaque link."""

    def links(self, total: int) -> list[Mapping[str, str]]:
        """Return the links of a page; an empty result has none."""
        if self.quirks.no_links or not total:
            return []
        opaque = self.quirks.opaque_links
        own = {"relation": "self", "url": self._url(self.search.offset, opaque and self.paged)}
        return [
            own,
            *(
                {"relation": relation, "url": self._url(offset, opaque)}
                for relation, offset in _offsets(self.search, total)
            ),
        ]

    def _url(self, offset: int, opaque: bool) -> str:  # noqa: FBT001  private, one caller
        query = _query(self.search, offset)
        if opaque:
            token = base64.urlsafe_b64encode(_query(self.search, 0).encode()).decode()
            query = urlencode({"_getpages": token, "_getpagesoffset": offset})
        return f"{self.base if self.quirks.absolute_links else ''}/Group?{query}"


def followed(token: str, offset: str) -> str:
    """Return the query behind an opaque link; 410 for an unknown token."""
    try:
        query = base64.urlsafe_b64decode(token).decode()
    except ValueError as error:
        raise refuse(410, "Search does not exist and may have expired", "not-found") from error
    return f"{query}&_offset={offset}"


def bundle(total: int | None, links: list[Mapping[str, str]], groups: Iterable[bytes]) -> bytes:
    """Write the Bundle; omit what is empty or unknown."""
    parts = [b'{"resourceType":"Bundle","type":"searchset"']
    if total is not None:
        parts.append(b',"total":%d' % total)
    if links:
        parts.append(b',"link":' + codec.encode(links))
    entries = b",".join(b'{"resource":%b}' % group for group in groups)
    if entries:
        parts.append(b',"entry":[%b]' % entries)
    return b"".join([*parts, b"}"])


def _offsets(search: Search, total: int) -> Iterator[tuple[str, int]]:
    last = (total - 1) // search.count * search.count
    yield "first", 0
    if search.offset + search.count < total:
        yield "next", search.offset + search.count
    if search.offset:
        yield "previous", max(0, search.offset - search.count)
    yield "last", last


def _query(search: Search, offset: int) -> str:
    shown = [*search.applied, ("_count", search.count), ("_offset", offset)]
    return urlencode(shown, safe=",/")
