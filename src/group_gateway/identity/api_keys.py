"""Static API keys: callers that a file names, each with a digest of its key.

A key is random, so that a plain SHA-256 of it gives nothing away; the keys themselves are nowhere.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from group_gateway.digests import DigestKeys
from group_gateway.errors import Unauthenticated
from group_gateway.identity.authenticator import NO_TOKEN, bearer_token
from group_gateway.identity.scopes import readable_types, rights_of
from group_gateway.operation import Anonymous, Caller, Interaction, Principal

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UNKNOWN = Anonymous(Unauthenticated, "The API key is not known.")
_FIELDS = 3

Keys = Mapping[str, tuple[str, frozenset[Interaction], frozenset[str]]]
"""By the SHA-256 of a key: its caller's name and rights, and the types that it may read."""


def read_keys(path: Path) -> Keys:
    """Read lines of `<name> <SHA-256 in hex> <scope> …`; blank lines and `#` comments are left out.

    Raises OSError, or ValueError with what is wrong: the number of a line that is none, say.
    """
    try:
        text = path.read_text("utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    keys: dict[str, tuple[str, frozenset[Interaction], frozenset[str]]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.partition("#")[0].split(maxsplit=_FIELDS - 1)
        if not fields:
            continue
        digest = fields[1].lower() if len(fields) == _FIELDS else ""
        rights = rights_of(fields[-1])
        if not _DIGEST.fullmatch(digest) or not rights or digest in keys:
            raise ValueError(f"line {number}")
        keys[digest] = fields[0], rights, readable_types(fields[-1])
    if not keys:
        raise ValueError("no key")
    return keys


class ApiKeyAuthenticator:
    """Callers with an API key, sent as a bearer token; it never goes upstream."""

    def __init__(self, known: Keys, keys: DigestKeys) -> None:
        self._callers = {
            digest: Caller(
                keys.digest("api key", name, *sorted(rights), *sorted(readable)),
                rights=rights,
                readable=readable,
                identity={"key": name},
            )
            for digest, (name, rights, readable) in known.items()
        }

    def known(self, authorization: str | None) -> Caller | None:
        """See Callers."""
        key = bearer_token(authorization or "")
        return self._callers.get(hashlib.sha256(key.encode()).hexdigest()) if key else None

    async def authenticate(self, authorization: str | None) -> Principal:
        """See Callers."""
        caller = self.known(authorization)
        if caller is not None:
            return caller
        return _UNKNOWN if bearer_token(authorization or "") else NO_TOKEN
