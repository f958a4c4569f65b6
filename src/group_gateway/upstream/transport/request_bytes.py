"""HTTP/1.1 requests as bytes (RFC 9112, sections 3 and 5). Pure."""

from collections.abc import Iterable

import httpx


def field_lines(fields: Iterable[tuple[str, str]]) -> str:
    """Return header fields as lines; raise httpx.LocalProtocolError for control characters."""
    lines = ""
    for name, value in fields:
        field = f"{name}: {value}"
        if "\n" in field or "\r" in field or "\0" in field:
            raise httpx.LocalProtocolError("a control character in the request's head")
        lines += f"{field}\r\n"
    return lines


def request_bytes(method: str, target: str, lines: str, body: bytes | None) -> bytes:
    """Return a request. `lines` are its header fields, without a length of the body."""
    if body is None:
        return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")
    head = f"{method} {target} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body
