"""SMART scopes → a caller's rights on groups, and the other resources it may read. Pure.

SMART App Launch 1.0 (`user/Group.read`, `.write`, `.*`) and 2.0 (`user/Group.cruds`, the letters in
that order).
"""

import re
from collections.abc import Mapping
from typing import Any

from group_gateway.operation import EVERY_INTERACTION, Interaction

_SCOPE = re.compile(r"(?:user|system)/(?:Group|\*)\.(read|write|\*|c?r?u?d?s?)", re.ASCII)
_READABLE = re.compile(r"(?:user|system)/([A-Z][A-Za-z]+|\*)\.(?:read|\*|c?ru?d?s?)", re.ASCII)
_INTERACTIONS: Mapping[str, frozenset[Interaction]] = {
    "read": frozenset({"read", "search"}),
    "write": frozenset({"create", "update", "delete"}),
    "*": EVERY_INTERACTION,
}
_LETTERS: Mapping[str, Interaction] = {
    "c": "create",
    "r": "read",
    "u": "update",
    "d": "delete",
    "s": "search",
}


def rights_of(scopes: str) -> frozenset[Interaction]:
    """Return the rights that blank-separated scopes allow together.

    `patient/…` scopes and scopes with a `?` restriction grant nothing, because the gateway cannot
    enforce subsets.
    """
    rights: set[Interaction] = set()
    for scope in scopes.split():
        match = _SCOPE.fullmatch(scope)
        if match is not None:
            rights |= _INTERACTIONS.get(match[1]) or {_LETTERS[letter] for letter in match[1]}
    return frozenset(rights)


def readable_types(scopes: str) -> frozenset[str]:
    """Return the resource types that scopes allow to read; `*` stands for all."""
    matches = map(_READABLE.fullmatch, scopes.split())
    return frozenset(match[1] for match in matches if match is not None)


def scopes_in(claims: Mapping[str, Any]) -> str:
    """Return the scopes of a JWT's claims: `scope` (RFC 9068), or `scp` on some servers."""
    said = claims.get("scope", claims.get("scp"))
    if isinstance(said, list):
        return " ".join(word for word in said if isinstance(word, str))
    return said if isinstance(said, str) else ""
