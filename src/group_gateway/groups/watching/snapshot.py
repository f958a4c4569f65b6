"""A fingerprint of a group, for comparison. Pure."""

import hashlib
from dataclasses import dataclass

from group_gateway.errors import UpstreamInvalidResponse
from group_gateway.fhir.group_resource import GroupResource, NotAGroup

GONE = ""
"""The version of a group that does not exist; no version is empty."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A digest of the upstream's bytes, which shows equal ones at once, and the version in them."""

    digest: bytes
    version: str

    @classmethod
    def of(cls, group: GroupResource | None, before: "Snapshot | None") -> "Snapshot":
        """Take a snapshot; `before` saves decoding an unchanged group.

        Raises UpstreamInvalidResponse.
        """
        if group is None:
            return cls(b"", GONE)
        digest = hashlib.blake2b(group.raw, digest_size=16).digest()
        if before is not None and before.digest == digest:
            return before
        try:
            return cls(digest, group.version)
        except NotAGroup as failure:
            raise UpstreamInvalidResponse("The upstream's group can't be read.") from failure
