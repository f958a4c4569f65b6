"""A resource of any type as the upstream sent it: its bytes, decoded on demand."""

import json
from decimal import Decimal
from functools import cached_property
from typing import Any

import msgspec

from group_gateway.fhir.group_resource import UNREADABLE


class NotAResource(ValueError):
    """The bytes are not a resource of the expected type with an id, or can't be decoded."""


class _Head(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 - FHIR's element name
    id: str = ""


class _Search(msgspec.Struct):
    mode: str | None = None


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")
    search: _Search | None = None


class _Link(msgspec.Struct):
    relation: str = ""


class _Bundle(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 - FHIR's element name
    total: Any = None
    link: list[_Link] | None = None
    entry: list[_Entry] | None = None


_DIGITS = 4_000
_head = msgspec.json.Decoder(_Head)
_bundle = msgspec.json.Decoder(_Bundle)
_exact = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class FhirResource:
    """An immutable resource: its JSON, its type and its id."""

    def __init__(self, raw: bytes, type: str, id: str) -> None:
        self.raw = raw
        self.type = type
        self.id = id

    @classmethod
    def parse(cls, raw: bytes) -> "FhirResource":
        """Check that `raw` is a JSON resource with an id. Raise NotAResource."""
        try:
            head = _head.decode(raw)
        except UNREADABLE as error:
            raise NotAResource("not a JSON resource") from error
        if not head.resourceType or not head.id:
            raise NotAResource("not a resource with an id")
        return cls(raw, head.resourceType, head.id)

    @cached_property
    def elements(self) -> dict[str, Any]:
        """The decoded resource, which must not be mutated; decimals keep their digits."""
        return decode_exactly(self.raw)


def decode_exactly(raw: bytes) -> dict[str, Any]:
    """Decode a JSON object so that decimals keep their digits. Raise NotAResource."""
    try:
        try:
            return _exact.decode(raw)
        except msgspec.ValidationError:  # a number beyond what msgspec holds
            value = json.loads(raw, parse_float=Decimal, parse_int=_whole)
    except (*UNREADABLE, ArithmeticError, ValueError) as error:
        raise NotAResource("a value can't be decoded") from error
    if not isinstance(value, dict):
        raise NotAResource("not a JSON object")
    return value


def _whole(text: str) -> int | Decimal:
    """Return a whole number; as a Decimal if it has more digits than Python converts."""
    return int(text) if len(text) <= _DIGITS else Decimal(text)


def matches_in(raw: bytes) -> tuple[list[FhirResource], bool]:
    """Return the matches of a searchset, and whether there are more: by a link, or by the total.

    Entries that are not resources are omitted. Raises NotAResource.
    """
    try:
        bundle = _bundle.decode(raw)
    except UNREADABLE as error:
        raise NotAResource("not a JSON Bundle") from error
    if bundle.resourceType != "Bundle":
        raise NotAResource("not a Bundle")
    found = []
    matches = 0
    for entry in bundle.entry or ():
        if entry.search is not None and entry.search.mode not in {None, "match"}:
            continue
        matches += 1
        try:
            found.append(FhirResource.parse(bytes(entry.resource)))
        except NotAResource:
            continue
    is_short = type(bundle.total) is int and bundle.total > matches
    return found, is_short or any(link.relation == "next" for link in bundle.link or ())
