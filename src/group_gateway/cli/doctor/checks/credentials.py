"""Whether the token allows reading groups, and which scopes it claims.

A token's claims are read without checking its signature: that is the upstream's business, and
nothing here decides on them.
"""

import base64
import binascii
import re
from typing import Any

import msgspec

from group_gateway.cli.doctor.checks.reachability import named
from group_gateway.cli.doctor.findings import Finding, fail, ok, warn
from group_gateway.cli.doctor.upstream_probe import ProbeReply
from group_gateway.config import PREFIX
from group_gateway.errors import Forbidden, Unauthenticated
from group_gateway.fhir.bundle import Searchset

CREDENTIALS, SCOPES = "credentials", "scopes"
_SCOPE = re.compile(r"(?:patient|user|system)/(?:Group|\*)\.(read|write|\*|[cruds]+)(?:\?.*)?")
_SOON = 300.0  # seconds


def credentials(reply: ProbeReply[Searchset], token: str | None, now: float) -> Finding:
    """Check that a search for groups was allowed."""
    if reply.error is None:
        return _accepted(token, now)
    if isinstance(reply.error, Unauthenticated):
        return _not_accepted(token, now)
    if isinstance(reply.error, Forbidden):
        text = f"The token may not search for groups{named(reply)}."
        return fail(CREDENTIALS, text, "It needs the scope user/Group.read (or system/Group.read).")
    text = f"A search for groups fails: {reply.error.message}{named(reply)}"
    return fail(CREDENTIALS, text, "Ask whoever runs the server.")


def _accepted(token: str | None, now: float) -> Finding:
    if token is None:
        text = "No token was given, and the server answers all the same."
        return warn(CREDENTIALS, text, f"Should callers need none, set {PREFIX}ALLOW_ANONYMOUS.")
    left = _seconds_left(token, now)
    if left is not None and left < _SOON:
        text = f"The server takes the token, which expires in {_spell(max(left, 0.0))}."
        return warn(CREDENTIALS, text, "Fetch a new one.")
    return ok(CREDENTIALS, "The server takes the token.")


def _not_accepted(token: str | None, now: float) -> Finding:
    if token is None:
        text = "The server wants a token, and none was given."
        return fail(CREDENTIALS, text, f"Set {PREFIX}DOCTOR_TOKEN, or use --token-file.")
    left = _seconds_left(token, now)
    if left is not None and left <= 0:
        text = f"The server does not accept the token, which expired {_spell(-left)} ago."
        return fail(CREDENTIALS, text, "Fetch a new one.")
    text = "The server does not accept the token."
    return fail(CREDENTIALS, text, "Check that it is this server's, whole, and still good.")


def scopes(token: str, granted: str) -> Finding:
    """Check the scopes of a token: by its own claims, or by the scopes that came with it."""
    claims = claims_of(token)
    if claims is None and not granted:
        return ok(SCOPES, "The token is opaque: what it allows only the server knows.")
    said = (claims or {}).get("scope", (claims or {}).get("scp")) or granted
    words = said.split() if isinstance(said, str) else said
    if not isinstance(words, list) or not words:
        return ok(SCOPES, "The token is a JWT without scopes: what it allows the server decides.")
    rights = {match[1] for match in map(_SCOPE.fullmatch, map(str, words)) if match is not None}
    reads = any(right in {"read", "*"} or "r" in right for right in rights - {"write"})
    writes = any(right in {"write", "*"} or {"c", "u"} <= set(right) for right in rights)
    if reads and writes:
        return ok(SCOPES, "The token's scopes allow to read groups and to write them.")
    if reads:
        text = "The token's scopes allow to read groups, not to write them."
        return warn(
            SCOPES, text, "For mutations it needs user/Group.write (or system/Group.write)."
        )
    text = "The token's scopes do not allow to read groups."
    return warn(SCOPES, text, "It needs user/Group.read (or system/Group.read).")


def claims_of(token: str) -> dict[str, Any] | None:
    """Return the claims of a JWT, unverified; None when the token is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature (RFC 7519)
        return None
    try:
        claims = msgspec.json.decode(
            base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        )
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
    return claims if isinstance(claims, dict) else None


def _seconds_left(token: str, now: float) -> float | None:
    end = (claims_of(token) or {}).get("exp")
    return float(end) - now if isinstance(end, int | float) else None


def _spell(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
