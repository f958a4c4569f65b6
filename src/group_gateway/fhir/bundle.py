"""A searchset Bundle (FHIR R4, section 3.1.1.3): its Groups, undecoded, and its page links.

One invalid entry, link or number does not affect the rest of its page.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from group_gateway.fhir.group_resource import UNREADABLE, GroupResource, NotAGroup
from group_gateway.fhir.operation_outcome import Issue, parse_issues
from group_gateway.fhir.page_link import PageLink, Segments, base_of, resolve_link
from group_gateway.fhir.salvage import salvaged

_NOTHING = msgspec.Raw(b"null")
_INVALID = msgspec.Raw(b"0")
_PASSED_OVER = frozenset({"include", "outcome"})
_COUNT = range(2**31)
_MOST_DIGITS = 10


class NotASearchset(ValueError):
    """The bytes are not a Bundle of Groups."""


class _Search(msgspec.Struct):
    mode: str | None = None


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = _NOTHING
    search: _Search | None = None


class _LooseEntry(msgspec.Struct):
    resource: msgspec.Raw = _NOTHING
    search: Any = None


class _Bundle(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 - FHIR's element name
    total: Any = None
    link: Any = None
    entry: list[_Entry] | None = None


class _LooseBundle(msgspec.Struct):
    resourceType: Any = None  # noqa: N815 - FHIR's element name
    total: Any = None
    link: Any = None
    entry: msgspec.Raw = _NOTHING


class _Head(msgspec.Struct):
    resourceType: Any = None  # noqa: N815 - FHIR's element name


class _Stamp(msgspec.Struct):
    id: Any = None
    meta: Any = None


_bundle = msgspec.json.Decoder(_Bundle)
_loose_bundle = msgspec.json.Decoder(_LooseBundle)
_loose_entries = msgspec.json.Decoder(list[msgspec.Raw] | None)
_loose_entry = msgspec.json.Decoder(_LooseEntry)
_head = msgspec.json.Decoder(_Head)
_stamp = msgspec.json.Decoder(_Stamp)


@dataclass(frozen=True)
class Searchset:
    """One page of search results.

    `entries` are the matches in order; None stands for one that is invalid, or repeats another.
    `links` maps a relation (`self`, `next`, `previous`, …) to its page. `total` is None when the
    server states none, or an invalid one. `broken` counts the invalid matches. `issues` are those
    of the OperationOutcomes among the entries. `breaks_by_offset` marks a server that must not be
    sent an `_offset`.
    """

    raw: bytes
    entries: tuple[GroupResource | None, ...]
    links: dict[str, PageLink]
    total: int | None
    broken: int = 0
    issues: tuple[Issue, ...] = ()
    breaks_by_offset: bool = False

    @cached_property
    def groups(self) -> tuple[GroupResource, ...]:
        """The groups, each once."""
        return tuple(entry for entry in self.entries if entry is not None)

    @cached_property
    def subsetted(self) -> tuple[str, ...]:
        """The ids of the groups that are tagged SUBSETTED."""
        return tuple(group.id for group in self.groups if group.is_subsetted)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of the groups."""
        return tuple(group.id for group in self.groups)


def is_stamped(raw: bytes) -> bool:
    """Return whether a Bundle has an id and a time of its own, as those of HAPI FHIR have."""
    try:
        stamp = _stamp.decode(raw)
    except UNREADABLE:
        return False
    return (
        isinstance(stamp.id, str) and isinstance(stamp.meta, dict) and "lastUpdated" in stamp.meta
    )


def parse_searchset(raw: bytes, page: PageLink, base: Segments = ()) -> Searchset:
    """Parse the searchset behind `page` of a server whose base URL has the path `base`.

    Entries of another search mode than `match` are omitted. Raises NotASearchset when it is no
    Bundle.
    """
    total, link, entries = _decoded(raw)
    groups: list[GroupResource | None] = []
    issues: list[Issue] = []
    seen: set[str] = set()
    broken = 0
    for entry in entries:
        mode = entry.search.mode if isinstance(entry.search, _Search) else None
        if mode in _PASSED_OVER:
            issues += _issues(entry.resource) or ()
            continue
        group = _group(entry.resource)
        if group is None:
            found = _issues(entry.resource)
            if found is not None:
                issues += found
                continue
            broken += 1
            if entry.resource == _NOTHING:  # an entry without a resource is not counted as a match
                continue
        elif group.id in seen:
            group = None
        else:
            seen.add(group.id)
        groups.append(group)
    count = page.parameter("_count") or ""
    is_full = count.isdecimal() and len(groups) >= int(count[:_MOST_DIGITS])
    links = page_links(link, page, base, is_full=is_full)
    return Searchset(raw, tuple(groups), links, _count(total), broken, tuple(issues))


def _decoded(raw: bytes) -> tuple[object, object, Iterable[_Entry]]:
    """Return a Bundle's total, links and entries; raise NotASearchset."""
    bundle: _Bundle | _LooseBundle
    try:
        try:
            bundle = _bundle.decode(raw)
        except msgspec.ValidationError:
            bundle = _loose_bundle.decode(raw)
        except UNREADABLE:
            bundle = _loose_bundle.decode(salvaged(raw))
        entries = _listed(bundle.entry) if isinstance(bundle, _LooseBundle) else ()
    except UNREADABLE as error:
        raise NotASearchset("not a JSON Bundle") from error
    if bundle.resourceType != "Bundle":
        raise NotASearchset("not a Bundle")
    if isinstance(bundle, _Bundle):
        return bundle.total, bundle.link, bundle.entry or ()
    return bundle.total, bundle.link, map(_loose, entries)


def _listed(entry: msgspec.Raw) -> Sequence[msgspec.Raw]:
    """Return the entries; an object with a resource in place of the list is the only one."""
    if bytes(entry).startswith(b"{") and _loose(entry).resource != _NOTHING:
        return [entry]
    return _loose_entries.decode(entry) or ()


def _loose(raw: msgspec.Raw) -> _Entry:
    try:
        entry = _loose_entry.decode(raw)
    except UNREADABLE:
        return _Entry(_INVALID)
    mode = entry.search.get("mode") if isinstance(entry.search, dict) else None
    return _Entry(entry.resource, _Search(mode if isinstance(mode, str) else None))


def _group(resource: msgspec.Raw) -> GroupResource | None:
    try:
        return GroupResource.parse(bytes(resource))
    except NotAGroup:
        return None


def _issues(resource: msgspec.Raw) -> tuple[Issue, ...] | None:
    """Return the issues of an OperationOutcome; None for any other resource."""
    try:
        if _head.decode(resource).resourceType != "OperationOutcome":
            return None
        return parse_issues(msgspec.json.decode(resource))
    except UNREADABLE:
        return None


def page_links(
    link: object, page: PageLink, base: Segments, *, is_full: bool = False
) -> dict[str, PageLink]:
    """Return the links of a Bundle that was found behind `page`, by their relations.

    An empty URL is no link. On a page that `is_full` it is one that must not be followed, because
    others are likely to follow.
    """
    urls: dict[str, str] = {}
    items = link if isinstance(link, list) else [] if link is None else [link]
    for item in items:
        relation, url = (
            (item.get("relation"), item.get("url")) if isinstance(item, dict) else ("",) * 2
        )
        if isinstance(relation, str) and isinstance(url, str) and (url.strip() or is_full):
            urls[relation.strip().lower()] = url  # as HTTP compares relations (RFC 8288, 2.1.1)
    if "prev" in urls:  # FHIR says `previous`, some servers say `prev` (RFC 8288)
        urls.setdefault("previous", urls.pop("prev"))
    bases = _bases(urls.get("self"), base)
    return {relation: resolve_link(url, page, bases) for relation, url in urls.items()}


def _bases(own: str | None, base: Segments) -> Sequence[Segments]:
    """Return the base paths that links may be below: the server's own view, and ours.

    A proxy may serve it below another path than the one in its links.
    """
    named = None if own is None else base_of(own)
    return (base,) if named is None or named == base else (named, base)


def _count(total: object) -> int | None:
    if isinstance(total, str) and total.isascii() and total.isdecimal():
        total = int(total) if len(total) <= _MOST_DIGITS else None
    if isinstance(total, float) and total.is_integer():
        total = int(total)
    return total if type(total) is int and total in _COUNT else None
