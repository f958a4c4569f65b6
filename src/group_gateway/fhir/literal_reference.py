"""Logical ids and literal references (FHIR R4, sections 2.24.0.1 and 2.3.0.1)."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_LITERAL = re.compile(
    r"(?:(?P<base>(?i:https?)://[^\s?#]{1,1024})/)?"
    r"(?P<type>[A-Z][A-Za-z]{1,63})/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?"
)
_DOTS = frozenset({".", ".."})
_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_logical_id(text: str) -> bool:
    """Return whether `text` may stand in a URL as a logical id.

    FHIR's pattern also matches `.` and `..`; in a URL they would name another path, so they are
    excluded.
    """
    return _ID.fullmatch(text) is not None and text not in _DOTS


@dataclass(frozen=True, slots=True)
class LiteralReference:
    """A parsed reference: `Patient/123`, perhaps absolute (`base`) and of one `version`."""

    type: str
    id: str
    base: str | None = None
    version: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"


def parse_reference(text: str) -> LiteralReference | None:
    """Parse a literal reference; return None for any other text (`urn:…`, `#contained`, …)."""
    match = _LITERAL.fullmatch(text)
    if match is None or match["id"] in _DOTS:
        return None
    return LiteralReference(match["type"], match["id"], match["base"], match["version"])


def is_below(base: str | None, base_url: str) -> bool:
    """Return whether a reference with this `base` points to a resource of the server at `base_url`.

    A relative reference (`base` is None) does. Default ports and the case of the host make no
    difference.
    """
    return base is None or _normalized(base) == _normalized(base_url)


def reference_key(text: str, base_url: str = "") -> str:
    """Return a text that all references to the same resource share; not itself a reference.

    The version is dropped, and so is the base if it is `base_url`: `Patient/1` on another server is
    another patient. A text that is not a literal reference stands for itself.
    """
    if "://" not in text and "/_history/" not in text:  # nearly all references: no need to parse
        return text
    reference = parse_reference(text)
    if reference is None:
        return text
    if is_below(reference.base, base_url):
        return str(reference)
    return f"{reference.base}/{reference}"


def relative_to(text: str, base_url: str) -> str:
    """Return a reference to a resource of the server at `base_url` without the base URL.

    Any other text is returned unchanged.
    """
    reference = parse_reference(text) if "://" in text else None
    if reference is None or not is_below(reference.base, base_url):
        return text
    return f"{reference}/_history/{reference.version}" if reference.version else str(reference)


@lru_cache(maxsize=256)  # a group names few servers, each many times
def _normalized(base: str) -> str:
    """Return a base URL in a normal form."""
    try:
        parts = urlsplit(base)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:  # such as a port that is no number
        return base
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path.rstrip('/')}"


def entity_text(member: object) -> str | None:
    """Return the text of the reference of a decoded `Group.member`; None when it has none.

    A bare string where FHIR wants a Reference is accepted.
    """
    if not isinstance(member, dict):
        return None
    entity = member.get("entity")
    text = entity.get("reference") if isinstance(entity, dict) else entity
    return text if isinstance(text, str) else None


def entity_reference(member: object) -> LiteralReference | None:
    """Return the reference of a decoded `Group.member`; None when it has no valid one."""
    text = entity_text(member)
    return None if text is None else parse_reference(text)
