"""The state that a write starts from, and how a PUT can be bound to it. Pure."""

from dataclasses import dataclass
from typing import Any

from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.fhir.group_resource import GroupResource, NotAGroup
from group_gateway.groups.writing.drafts import elements_of
from group_gateway.upstream.client import Precondition


@dataclass(frozen=True, slots=True)
class BaseVersion:
    """A fresh read of a group, and its decoded elements, which nobody may change.

    `second` is one of the upstream's clock that had begun when the group was read, None when the
    upstream does not show its clock: every change after the read bears that second or a later one.
    """

    group: GroupResource
    elements: dict[str, Any]
    second: int | None

    @classmethod
    def of(cls, group: GroupResource, second: int | None = None) -> "BaseVersion":
        """Give the basis that a read is. Raises UpstreamInvalidResponse."""
        try:
            return cls(group, elements_of(group), second)
        except NotAGroup as failure:
            raise UpstreamInvalidResponse("The upstream's group can't be read.") from failure

    @property
    def is_exact(self) -> bool:
        """Whether the entity tag is the version's, as FHIR has it (R4, section 3.1.0.5).

        Any other tag may have been put there by a web framework or a proxy, and then the upstream
        does not look at `If-Match`.
        """
        meta = self.elements.get("meta")
        version = meta.get("versionId") if isinstance(meta, dict) else None
        return bool(version) and (self.group.etag or "").removeprefix("W/") == f'"{version}"'

    @property
    def is_guarded(self) -> bool:
        """Whether there is anything that a PUT can be bound to."""
        return self.group.etag is not None or self.second is not None

    def precondition(self) -> Precondition:
        """Give the precondition that nobody has changed the group since.

        By the clock, changes within the second of the read count as later ones: a false conflict
        is safer than a lost update. An upstream that honours `If-Match` ignores the clock where
        both are given (RFC 9110, section 13.1.4).
        """
        if self.is_exact or self.second is None:
            return Precondition(etag=self.group.etag)
        return Precondition(etag=self.group.etag, unmodified_since=self.second - 1)

    def follows(self, written: int | None) -> bool:
        """Tell whether the precondition can hold if the last write was in the second `written`."""
        return self.is_exact or self.second is None or written is None or self.second > written
