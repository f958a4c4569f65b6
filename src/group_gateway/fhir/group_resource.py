"""A Group as the upstream sent it: its bytes, decoded on demand."""

import hashlib
import json
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding an upstream's JSON may raise: invalid JSON or UTF-8, or too deep nesting."""


BEYOND: Final = object()
"""Stands for a number out of the range of all numeric types. It is not a JSON value, so it can't be
shown."""


class NotAGroup(ValueError):
    """The bytes are not a Group resource with an id, or can't be decoded."""


class _Head(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 - FHIR's element name
    id: str = ""
    meta: msgspec.Raw = msgspec.Raw(b"")


class _Meta(msgspec.Struct):
    tag: Any = None


_meta = msgspec.json.Decoder(_Meta)
_head = msgspec.json.Decoder(_Head)
_elements = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_canonical = msgspec.json.Encoder(order="sorted", decimal_format="number")


class GroupResource:
    """An immutable Group resource.

    `raw` is the upstream's JSON. `etag` is the entity tag of a read, if there was one. `date` is
    the upstream's own clock when it was read, in whole seconds since the epoch, or None.
    `is_subsetted` is whether the server omitted elements (the tag `SUBSETTED`): such a resource is
    reliable for its id only. `may_lack_elements` is whether it may lack elements that nobody has
    asked for yet.
    """

    may_lack_elements = False

    def __init__(
        self,
        raw: bytes,
        id: str,
        *,
        etag: str | None = None,
        date: int | None = None,
        is_subsetted: bool = False,
    ) -> None:
        self.raw = raw
        self.id = id
        self.etag = etag
        self.date = date
        self.is_subsetted = is_subsetted

    @classmethod
    def parse(
        cls, raw: bytes, *, etag: str | None = None, date: int | None = None
    ) -> "GroupResource":
        """Check that `raw` is a JSON Group with an id, without decoding the rest.

        Raises NotAGroup.
        """
        try:
            head = _head.decode(raw)
            if not raw.isascii():
                raw.decode()  # what the line above skipped must be UTF-8 too
        except UNREADABLE as error:
            raise NotAGroup("not a JSON resource") from error
        if head.resourceType != "Group" or not head.id:
            raise NotAGroup("not a Group with an id")
        meta = bytes(head.meta)
        is_subsetted = (b"tag" in meta or b"\\u" in meta) and _is_subsetted(meta)
        return cls(raw, head.id, etag=etag, date=date, is_subsetted=is_subsetted)

    @cached_property
    def elements(self) -> dict[str, Any]:
        """The decoded resource, which must not be mutated. Raises NotAGroup.

        Numbers keep their digits. One beyond all types is `BEYOND`, so that it affects only its own
        element.
        """
        try:
            try:
                return _elements.decode(self.raw)
            except (msgspec.ValidationError, ArithmeticError):
                return _decoded_slowly(self.raw)
        except UNREADABLE as error:
            raise NotAGroup("a value can't be decoded") from error

    @cached_property
    def version(self) -> str:
        """An opaque token: the same version and content give the same token. Raises NotAGroup.

        It holds `meta.versionId`, where the upstream keeps versions, and a digest of the content
        that ignores white space and the order of elements: some upstreams' versions do not change
        with the content. Content that can't be put in order counts as it was sent.
        """
        try:
            content = _canonical.encode(self.elements)
        except (RecursionError, TypeError):  # nested too deeply, or a number that nothing can hold
            content = self.raw
        digest = hashlib.sha256(content).hexdigest()[:32]
        named = self._named_version
        return f"h-{digest}" if named is None else f"{named}.{digest}"

    def is_version(self, token: str) -> bool:
        """Return whether a token names this version: `version`, or `v-` and `meta.versionId`."""
        return token in {self.version, self._named_version}

    @property
    def _named_version(self) -> str | None:
        meta = self.elements.get("meta")
        version_id = meta.get("versionId") if isinstance(meta, dict) else None
        return f"v-{version_id}" if isinstance(version_id, str) and version_id else None


def _is_subsetted(meta: bytes) -> bool:
    """Return whether `meta.tag` says that elements were omitted (FHIR R4, section 3.1.1.5.8)."""
    try:
        tags = _meta.decode(meta).tag
    except UNREADABLE:
        return False
    found = tags if isinstance(tags, list) else [tags]
    codes = (tag.get("code") if isinstance(tag, dict) else tag for tag in found)
    return any(isinstance(code, str) and code.strip().upper() == "SUBSETTED" for code in codes)


def _decoded_slowly(raw: bytes) -> dict[str, Any]:
    elements: dict[str, Any] = json.loads(raw, parse_float=_float, parse_int=_int)
    return elements


def _float(text: str) -> object:
    try:
        return Decimal(text)
    except ArithmeticError:  # an exponent beyond a Decimal's
        return BEYOND


def _int(text: str) -> object:
    try:
        return int(text)
    except ValueError:  # more digits than Python converts
        return BEYOND
