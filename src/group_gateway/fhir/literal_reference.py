"""Logical ids and literal references (FHIR R4, sections 2.24.0.1 and 2.3.0.1)."""

import re
from dataclasses import dataclass

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_LITERAL = re.compile(
    r"(?:(?P<base>https?://[^\s?#]{1,1024})/)?"
    r"(?P<type>[A-Z][A-Za-z]{1,63})/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/[A-Za-z0-9\-.]{1,64})?"
)
_DOTS = frozenset({".", ".."})


def is_logical_id(text: str) -> bool:
    """Tell whether `text` may stand in a URL as a logical id.

    FHIR's pattern lets `.` and `..` pass; in a URL they would name another path, so they are out.
    """
    return _ID.fullmatch(text) is not None and text not in _DOTS


@dataclass(frozen=True, slots=True)
class LiteralReference:
    """A reference taken apart: `Patient/123`, or absolute with its `base`."""

    type: str
    id: str
    base: str | None = None

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"


def parse_reference(text: str) -> LiteralReference | None:
    """Take a literal reference apart; None when it is not one (`urn:…`, `#contained`, nonsense)."""
    match = _LITERAL.fullmatch(text)
    if match is None or match["id"] in _DOTS:
        return None
    return LiteralReference(match["type"], match["id"], match["base"])


def entity_text(member: object) -> str | None:
    """Give the text of the reference of a decoded `Group.member`; None when it has none.

    A bare string where FHIR wants a Reference is accepted.
    """
    if not isinstance(member, dict):
        return None
    entity = member.get("entity")
    text = entity.get("reference") if isinstance(entity, dict) else entity
    return text if isinstance(text, str) else None


def entity_reference(member: object) -> LiteralReference | None:
    """Give the reference of a decoded `Group.member`; None when it has no readable one."""
    text = entity_text(member)
    return None if text is None else parse_reference(text)
