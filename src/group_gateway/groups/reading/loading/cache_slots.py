"""Cache entries of single groups and search pages, as bytes.

A group's entry is a short header (entity tag and clock of the read) and the upstream's own bytes,
after a mark where elements may be missing; an absent group's entry is empty.
"""

from collections.abc import Sequence

import msgspec

from group_gateway.cache.entries import Slot
from group_gateway.digests import DigestKeys
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.operation import Caller

_SEPARATOR = b"\n"
_MAY_LACK_ELEMENTS = b"?"
_header = msgspec.json.Decoder(tuple[str, str | None, int | None])


def pack(resource: GroupResource | None) -> bytes:
    """Return the cache entry of a read: the group, or its absence."""
    if resource is None:
        return b""
    header = msgspec.json.encode((resource.id, resource.etag, resource.date))
    entry = header + _SEPARATOR + resource.raw
    return _MAY_LACK_ELEMENTS + entry if resource.may_lack_elements else entry


def unpack(entry: bytes) -> GroupResource | None:
    """Return the read in a cache entry; raise ValueError for bytes that `pack` did not make."""
    if not entry:
        return None
    header, found, raw = entry.partition(_SEPARATOR)
    if not found:
        raise ValueError("not a cached group")
    may_lack_elements = header.startswith(_MAY_LACK_ELEMENTS)
    id, etag, date = _header.decode(header[1:] if may_lack_elements else header)
    group = GroupResource(raw, id, etag=etag, date=date)
    if may_lack_elements:
        group.may_lack_elements = True
    return group


class CacheSlots:
    """The cache slots of what is read from one upstream.

    `account` identifies the service account, if there is one. What it reads may be more than what
    another account, or the same caller's own token, is shown.
    """

    def __init__(self, keys: DigestKeys, upstream: str, account: Sequence[str] = ()) -> None:
        self._keys = keys
        self._upstream = upstream
        self._account = keys.digest("account", *account) if account else ""
        self._group_tags = keys.under("tag", upstream, "group")
        self.search_tag = keys.digest("tag", upstream, "search")

    def group_tag(self, id: str) -> str:
        """Return the tag that a write to this group invalidates."""
        return self._group_tags.digest(id)

    def group(self, caller: Caller, id: str) -> Slot:
        """Return the slot of a group as read by this caller."""
        tag = self.group_tag(id)
        return Slot(caller.scope + tag + self._account, tag, caller.scope)

    def resource(self, caller: Caller, type: str, id: str, version: str | None) -> Slot:
        """Return the slot of a resource, or of one version of it, as read by this caller."""
        if type == "Group" and version is None:
            tag = self.group_tag(id)
            return Slot(f"{caller.scope}{tag}{self._account}-resource", tag, caller.scope)
        tag = self._keys.digest("tag", self._upstream, "resource", type, id, version or "")
        return Slot(caller.scope + tag + self._account, tag, caller.scope)

    def search(self, caller: Caller, query: str) -> Slot:
        """Return the slot of a search page as found by this caller."""
        key = self._keys.digest("entry", caller.scope, self._upstream, "search", query)
        return Slot(key + self._account, self.search_tag, caller.scope)
