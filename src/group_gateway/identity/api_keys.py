"""Static API keys: callers that a file names, each with a digest of its key.

A key is random, so a plain SHA-256 of it reveals nothing. The keys themselves are not stored.
"""

import hashlib
import logging
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from group_gateway.digests import DigestKeys
from group_gateway.errors import Unauthenticated
from group_gateway.file_watch import FileWatch
from group_gateway.identity.authenticator import NO_TOKEN, Problem, bearer_token
from group_gateway.identity.scopes import readable_types, rights_of
from group_gateway.operation import Anonymous, Caller, Interaction, Principal

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UNKNOWN = Anonymous(Unauthenticated, "The API key is not known.")
_FIELDS = 3
_log = logging.getLogger(__name__)

Keys = Mapping[str, tuple[str, frozenset[Interaction], frozenset[str]]]
"""By the SHA-256 of a key: its caller's name and rights, and the types that it may read."""


def read_keys(path: Path) -> Keys:
    """Parse lines of `<name> <SHA-256 in hex> <scope> …`; skip blank lines and `#` comments.

    Raises OSError, or ValueError with the error, such as the number of a malformed line.
    """
    keys, wrong = parse_keys(path)
    if wrong:
        raise ValueError(wrong)
    return keys


def parse_keys(path: Path) -> tuple[Keys, str]:
    """Return the keys of well-formed lines, and the errors of the others; raise OSError."""
    try:
        text = path.read_text("utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError:
        return {}, "not UTF-8"
    keys: dict[str, tuple[str, frozenset[Interaction], frozenset[str]]] = {}
    wrong = ""
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.partition("#")[0].split(maxsplit=_FIELDS - 1)
        if not fields:
            continue
        digest = fields[1].lower() if len(fields) == _FIELDS else ""
        rights = rights_of(fields[-1])
        if not _DIGEST.fullmatch(digest) or not rights or digest in keys:
            wrong = wrong or f"line {number}"
        else:
            keys[digest] = fields[0], rights, readable_types(fields[-1])
    return keys, wrong if keys or wrong else "no key"


class ApiKeyAuthenticator:
    """Authenticate callers by an API key, sent as a bearer token. It never goes upstream.

    A changed file is read again within a second. Keys on well-formed lines count, whatever else is
    wrong. A file that holds none, or is unreadable, gets one more second, because programs may
    replace it in two steps; after that no key is accepted.
    """

    def __init__(
        self, path: Path, keys: DigestKeys, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._digest_keys = keys
        self._clock = clock
        self._file = FileWatch(path, clock)
        self._callers = self._made(read_keys(path))
        self._was_empty = False
        self._wrong = ""

    @property
    def problem(self) -> Problem | None:
        """What is wrong with the file, if anything is."""
        self._check_file()
        if not self._wrong:
            return None
        sentence = f"The file of API keys is wrong: {self._wrong}."
        return Problem(sentence, is_total=not self._callers)

    def cached(self, authorization: str | None) -> Caller | None:
        """See Authenticator."""
        if self._clock() >= self._file.next_check:
            self._check_file()
        key = bearer_token(authorization or "")
        return self._callers.get(hashlib.sha256(key.encode()).hexdigest()) if key else None

    async def authenticate(self, authorization: str | None) -> Principal:
        """See Authenticator."""
        caller = self.cached(authorization)
        if caller is not None:
            return caller
        return _UNKNOWN if bearer_token(authorization or "") else NO_TOKEN

    def _check_file(self) -> None:
        if not self._file.has_changed():
            return
        try:
            keys, wrong = parse_keys(self._path)
        except OSError:
            keys, wrong = {}, "it can't be read"
        if keys:
            self._file.accept()  # one without keys is read again each second
        if keys or self._was_empty:
            self._callers = self._made(keys)
            if wrong != self._wrong:
                self._log_problem(wrong)
            self._wrong = wrong
        self._was_empty = not keys

    def _log_problem(self, wrong: str) -> None:
        if wrong:
            left = "other keys are accepted" if self._callers else "no key is accepted"
            _log.error("The file of API keys is wrong: %s; %s.", wrong, left)
        else:
            _log.info("The file of API keys was read again.")

    def _made(self, keys: Keys) -> dict[str, Caller]:
        return {
            digest: Caller(
                self._digest_keys.digest("api key", name, *sorted(rights), *sorted(readable)),
                rights=rights,
                readable=readable,
                identity={"key": name},
            )
            for digest, (name, rights, readable) in keys.items()
        }
