"""The version that a write is based on, and the precondition of its PUT. Pure."""

import re
from dataclasses import dataclass
from typing import Any

from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.fhir.group_resource import GroupResource, NotAGroup
from group_gateway.groups.writing.drafts import elements_of
from group_gateway.upstream.client import Precondition, Written

_TAG = re.compile(r'[^"\x00-\x20\x7f-\uffff]{1,200}')
_CODED_TAG = re.compile(r'(?:W/)?"(.+?)(?:--?|;)(?:gzip|br|zstd|deflate)"')
_NUMBER = re.compile(r'(?:W/)?"([0-9]{1,9})"')
"""Longer numbers are times, not counts."""


@dataclass(frozen=True, slots=True)
class BaseVersion:
    """A fresh read of a group, and its decoded elements, which must not be mutated.

    `second` is one of the upstream's clock that had begun when the group was read, None when the
    upstream does not show its clock. Every change after the read bears that second or a later one.
    """

    group: GroupResource
    elements: dict[str, Any]
    second: int | None

    @classmethod
    def of(cls, group: GroupResource, second: int | None = None) -> "BaseVersion":
        """Decode a read. Raises UpstreamInvalidResponse, also for a part of a group.

        A part must not be written back: PUT would make it the whole.
        """
        if group.is_subsetted:
            raise UpstreamInvalidResponse("The upstream sent only a part of the group (SUBSETTED).")
        try:
            return cls(group, elements_of(group), second)
        except NotAGroup as failure:
            raise UpstreamInvalidResponse("The upstream's group can't be read.") from failure

    @classmethod
    def whole(cls, group: GroupResource | None) -> "BaseVersion | None":
        """Return the group in the response to a write, None for none or for a part."""
        try:
            return None if group is None else cls.of(group)
        except UpstreamInvalidResponse:
            return None

    @property
    def version_id(self) -> str | None:
        """FHIR's `meta.versionId`."""
        meta = self.elements.get("meta")
        version = meta.get("versionId") if isinstance(meta, dict) else None
        if type(version) is int:  # not FHIR's syntax, but as clear
            return str(version)
        return version if isinstance(version, str) and version else None

    @property
    def name(self) -> str | None:
        """What names the version in the group's history: its id, else its entity tag's text."""
        return self.version_id or tag_text(self.group.etag)

    @property
    def tag(self) -> str | None:
        """The entity tag for a PUT's precondition: the one that was sent, else the version's.

        A web server in between may have changed what was sent: `"1-gzip"` is the version `1`.
        """
        sent, version = self.group.etag, self.version_id
        if version is None or _TAG.fullmatch(version) is None:
            return sent
        coded = _CODED_TAG.fullmatch(sent or "")
        if sent is None or (coded is not None and coded[1] == version):
            return f'W/"{version}"'
        return sent

    @property
    def tag_forms(self) -> list[str]:
        """The ways to write the entity tag in a precondition, the likeliest first.

        Some servers compare what they would show, others a strong tag (RFC 9110, section 13.1.1)
        whatever they show, or FHIR's weak one. One that shows no tag may want the bare version.
        """
        if self.tag is None:
            return []
        version = self.version_id or self.tag.removeprefix("W/").strip('"')
        if _TAG.fullmatch(version) is None:
            return [self.tag]
        bare = [] if self.group.etag else [version]
        return list(dict.fromkeys((self.tag, f'W/"{version}"', f'"{version}"', *bare)))

    @property
    def number(self) -> int | None:
        """The version as a number, where versions are counted; its tag may be a digest."""
        number = tag_number(self.tag)
        return tag_number(f'"{self.version_id}"') if number is None else number

    @property
    def is_exact(self) -> bool:
        """Whether the entity tag was sent and is the version's (FHIR R4, section 3.1.0.5).

        Any other tag may come from a web framework or a proxy, and then the upstream ignores
        `If-Match`.
        """
        tag = self.group.etag
        return tag is not None and tag.removeprefix("W/") == f'"{self.version_id}"'

    @property
    def is_guarded(self) -> bool:
        """Whether there is anything to make a precondition of."""
        return self.tag is not None or self.second is not None

    def succeeds(self, base: "BaseVersion") -> bool:
        """Return whether this can be what was stored after `base`.

        Where versions are shown it has a new one. A server may send back what it got, with the old
        version or none, and store something else.
        """
        return base.version_id is None or self.version_id not in {None, base.version_id}

    def is_before(self, written: Written, base: "BaseVersion") -> bool:
        """Return whether a read after a write of `base` still shows `base`.

        Reads may come from a replica or a cache that does not have the write yet. If its response
        named no version, the upstream may also have ignored it.
        """
        tag = base.group.etag
        is_old = self.group.etag == tag and self.elements == base.elements
        return base.is_exact and is_old and written.etag != tag

    def outdates(self, token: str) -> bool:
        """Return whether a request was meant for another version."""
        return not self.group.is_version(token)

    def precondition(self, form: int = 0) -> Precondition:
        """Return the precondition that nobody has changed the group since.

        `form` is the index of one of `tag_forms`, counted in a circle.

        By the clock, changes within the second of the read count as later ones: a false conflict is
        safer than a lost update. An upstream that honours `If-Match` ignores the clock where both
        are sent (RFC 9110, section 13.1.4).
        """
        forms = self.tag_forms
        tag = forms[form % len(forms)] if forms else None
        if self.is_exact or self.second is None:
            return Precondition(etag=tag)
        return Precondition(etag=tag, unmodified_since=self.second - 1)

    def follows(self, written: int | None) -> bool:
        """Return whether the precondition can hold after a write in the second `written`."""
        return self.is_exact or self.second is None or written is None or self.second > written


def tag_text(tag: str | None) -> str | None:
    """Return an entity tag without its quotes and its mark of weakness."""
    return (tag or "").removeprefix("W/").strip('"') or None


def tag_number(tag: str | None) -> int | None:
    """Return the number in an entity tag; None if it is not a count of versions."""
    match = _NUMBER.fullmatch(tag or "")
    return int(match[1]) if match else None
