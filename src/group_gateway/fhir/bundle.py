"""A searchset Bundle (FHIR R4, section 3.1.1.3): its Groups, undecoded, and its page links."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from group_gateway.fhir.group_resource import UNREADABLE, GroupResource, NotAGroup

Query = tuple[tuple[str, str], ...]
"""The parameters of a search, in order."""


@dataclass(frozen=True, slots=True)
class PageLink:
    """What the gateway keeps of a page link: its query, never its scheme, host or path.

    `at_base` tells that it led to the server's base and not to `/Group` (some servers page so).
    """

    query: Query
    at_base: bool = False

    def parameter(self, name: str) -> str | None:
        """Give the last value of a parameter."""
        return dict(self.query).get(name)


class NotASearchset(ValueError):
    """The bytes are not a Bundle of Groups."""


class _Search(msgspec.Struct):
    mode: str | None = None


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")
    search: _Search | None = None


class _Link(msgspec.Struct):
    relation: str
    url: str


class _Bundle(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 - FHIR's element name
    total: Any = None
    link: list[_Link] | None = None
    entry: list[_Entry] | None = None


_bundle = msgspec.json.Decoder(_Bundle)
_COUNT = range(2**31)


@dataclass(frozen=True, slots=True)
class Searchset:
    """One page of search results.

    `links` maps a relation (`self`, `next`, `previous`, …) to what is kept of it; `broken` counts
    the entries that are no Group. `total` is None when the server does not say, or says what is no
    number of groups.
    """

    raw: bytes
    groups: tuple[GroupResource, ...]
    links: dict[str, PageLink]
    total: int | None
    broken: int = 0


def parse_searchset(raw: bytes) -> Searchset:
    """Read a searchset; entries of another search mode than `match` are left out.

    Raises NotASearchset when it is no Bundle.
    """
    try:
        bundle = _bundle.decode(raw)
    except UNREADABLE as error:
        raise NotASearchset("not a JSON Bundle") from error
    if bundle.resourceType != "Bundle":
        raise NotASearchset("not a Bundle")
    matches = [
        entry.resource
        for entry in bundle.entry or ()
        if entry.search is None or entry.search.mode in {None, "match"}
    ]
    groups = tuple(group for match in matches if (group := _group(match)) is not None)
    links = _links(bundle.link or [])
    total = bundle.total if type(bundle.total) is int and bundle.total in _COUNT else None
    return Searchset(raw, groups, links, total, broken=len(matches) - len(groups))


def _group(resource: msgspec.Raw) -> GroupResource | None:
    try:
        return GroupResource.parse(bytes(resource))
    except NotAGroup:
        return None


def _links(links: list[_Link]) -> dict[str, PageLink]:
    kept = {link.relation: _page_link(link.url) for link in links}
    if "prev" in kept:  # FHIR says `previous`, some servers say `prev` (RFC 8288)
        kept.setdefault("previous", kept.pop("prev"))
    return kept


def _page_link(url: str) -> PageLink:
    try:
        parts = urlsplit(url)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        return PageLink(())
    # A query alone is relative to the search itself (RFC 3986, section 5.2.2).
    names_a_place = bool(parts.netloc or parts.path)
    at_base = names_a_place and not parts.path.rstrip("/").endswith("Group")
    return PageLink(query, at_base=at_base)
