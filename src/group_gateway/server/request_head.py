"""What HTTP demands of a request's head before anything is done with it (RFC 9112). Pure.

Servers and proxies that read a head in different ways take one request for another. So what leaves
room for that is refused: a Host that is missing, repeated or invalid (section 3.2), a transfer
coding beside `chunked` (section 6.1), another major version.
"""

import re
from functools import lru_cache
from http import HTTPStatus
from typing import Final

HOST: Final = b"host"
_CODING: Final = b"transfer-encoding"
_EXPECT: Final = b"expect"
DECISIVE: Final = frozenset({HOST, _CODING, _EXPECT})
"""The header fields that decide whether and how a request is read."""
Header = tuple[bytes, bytes]
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_CHUNKED: Final = frozenset({b"chunked", b""})
# RFC 3986, section 3.2, without user information, which a Host never has.
_NAME: Final = rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_LITERAL: Final = rb"\[[0-9A-Za-z:.%_~-]+\]"
_AUTHORITY: Final = re.compile(rb"(?:%b|%b)(?::[0-9]*)?" % (_NAME, _LITERAL))


@lru_cache(64)
def head_fault(version: str, decisive: tuple[Header, ...]) -> tuple[int, str] | None:
    """Return the status and message of a refusal, or None for an acceptable head.

    `decisive` are the fields that DECISIVE names, in lower case. A body that is not chunked in the
    end has no length that both sides agree on: the parser refuses it.
    """
    if version not in _VERSIONS:
        return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "Speak HTTP/1.1."
    hosts = [value for name, value in decisive if name == HOST]
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        return HTTPStatus.BAD_REQUEST, "A request has one Host header."
    if hosts and not _AUTHORITY.fullmatch(hosts[0]):
        return HTTPStatus.BAD_REQUEST, "The Host header is not a host and a port."
    fields = b",".join(value.lower() for name, value in decisive if name == _CODING)
    codings = {coding.strip(b" \t") for coding in fields.split(b",")}
    if b"chunked" in codings and not codings <= _CHUNKED:
        return HTTPStatus.NOT_IMPLEMENTED, "The only transfer coding here is chunked."
    return None


def expects_continue(version: str, decisive: tuple[Header, ...]) -> bool:
    """Return whether the client waits for leave to send its body (RFC 9110, section 10.1.1)."""
    return version != "1.0" and any(
        name == _EXPECT and value.lower() == b"100-continue" for name, value in decisive
    )
