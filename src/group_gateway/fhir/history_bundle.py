"""A history Bundle (FHIR R4, section 3.1.0.14): the versions of one group, the newest first."""

from hashlib import blake2b
from typing import Any

import msgspec

from group_gateway.fhir.bundle import NotASearchset, page_links
from group_gateway.fhir.group_resource import UNREADABLE, GroupResource, NotAGroup
from group_gateway.fhir.page_link import PageLink, Segments
from group_gateway.fhir.salvage import salvaged

_DELETE = "DELETE"


class HistoryEntry(msgspec.Struct, frozen=True):
    """A version of a group, with what its history entry states.

    `group` is None for a deletion. `source` is `meta.source` without the id of a request, which
    servers append as a fragment.
    """

    id: str
    version: str | None
    when: str | None
    source: str | None
    group: GroupResource | None

    @property
    def is_known(self) -> bool:
        """Whether it can be identified: it has a version id or a time."""
        return self.version is not None or self.when is not None

    @property
    def mark(self) -> str:
        """A text unique among the group's versions: the version id with its time, else a digest.

        Some servers give all versions the same id.
        """
        if self.version is not None:
            return f"{self.version} {self.when or ''}"
        raw = b"" if self.group is None else self.group.raw
        return f"{self.when} {blake2b(raw, digest_size=8).hexdigest()}"


class HistoryPage(msgspec.Struct, frozen=True):
    """A page of a history.

    `broken` counts entries that are no version of the group; `total` is the server's count of
    versions, if it states one.
    """

    versions: tuple[HistoryEntry, ...]
    next: PageLink | None
    broken: int
    total: int | None = None


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")
    request: Any = None
    response: Any = None


class _Bundle(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 - FHIR's element name
    total: Any = None
    link: Any = None
    entry: list[_Entry | None] | None = None


_bundle = msgspec.json.Decoder(_Bundle)


def parse_history(raw: bytes, id: str, page: PageLink, base: Segments) -> HistoryPage:
    """Parse the page of a group's history behind `page`. Raises NotASearchset for no Bundle.

    `base` is the path of the server's base URL.
    """
    bundle = _decoded(raw)
    if bundle.resourceType != "Bundle":
        raise NotASearchset("not a Bundle")
    found = [_version(entry, id) for entry in bundle.entry or ()]
    versions = tuple(version for version in found if version is not None)
    following = page_links(bundle.link, page, base).get("next")
    total = bundle.total if type(bundle.total) is int else None
    return HistoryPage(versions, following, len(found) - len(versions), total)


def _decoded(raw: bytes) -> _Bundle:
    """Decode a Bundle, with None for each entry that is invalid JSON. Raises NotASearchset."""
    try:
        try:
            return _bundle.decode(raw)
        except msgspec.ValidationError:
            raise
        except UNREADABLE:
            return _bundle.decode(salvaged(raw))
    except UNREADABLE as error:
        raise NotASearchset("not a JSON Bundle") from error


def _version(entry: _Entry | None, id: str) -> HistoryEntry | None:
    if entry is None:
        return None
    group = None
    if _text(entry.request, "method") != _DELETE:
        try:
            group = GroupResource.parse(bytes(entry.resource))
            meta = group.elements.get("meta")
        except NotAGroup:
            return None
        if group.id != id or group.is_subsetted:
            return None
    else:
        meta = None
    etag = _text(entry.response, "etag")
    return HistoryEntry(
        id,
        _text(meta, "versionId") or _version_of(etag),
        _text(meta, "lastUpdated") or _text(entry.response, "lastModified"),
        (_text(meta, "source") or "").partition("#")[0] or None,
        group,
    )


def _version_of(etag: str | None) -> str | None:
    """Return the version that an entity tag such as `W/"3"` names."""
    return None if etag is None else etag.removeprefix("W/").strip('"') or None


def _text(value: object, name: str) -> str | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) and found else None
