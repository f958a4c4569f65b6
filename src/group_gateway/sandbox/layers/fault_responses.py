"""The responses of fault rules, in place of real ones. Pure."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from group_gateway.sandbox.outcome import FHIR_JSON, Issue, code_of, outcome
from group_gateway.sandbox.quirks import FaultRule

Headers = dict[str, str]

_CHUNK: Final = 64 * 1024
_HTML: Final = "text/html; charset=utf-8"
_PAGE: Final = b"<!DOCTYPE html><html><body><h1>Something is wrong here</h1></body></html>"
_HEAD: Final = b'{"resourceType":"Group","id":"huge","type":"person","actual":true,"name":"'
_TAIL: Final = b'"}'
_BODILESS: Final = (204, 304)


@dataclass(frozen=True, slots=True)
class FaultResponse:
    """A response to send: its body comes in pieces, so that a huge one takes no memory."""

    status: int
    headers: Headers
    body: Iterator[bytes]


def replacement(rule: FaultRule) -> FaultResponse:
    """Build a rule's response in place of the handler's."""
    headers, body = _KINDS[rule.kind](rule)
    status = rule.status or (500 if rule.kind == "status" else 200)
    if rule.retry_after is not None:
        headers |= {"Retry-After": str(rule.retry_after)}
    if status in _BODILESS:
        return FaultResponse(status, {}, iter(()))
    return FaultResponse(status, headers, body)


def pieces(text: bytes, size: int) -> Iterator[bytes]:
    """Cut a text into pieces."""
    return (text[start : start + size] for start in range(0, len(text), size))


def _fixed(text: bytes, content_type: str) -> tuple[Headers, Iterator[bytes]]:
    headers = {"Content-Length": str(len(text))}
    return headers | ({"Content-Type": content_type} if text else {}), iter([text])


def _status(rule: FaultRule) -> tuple[Headers, Iterator[bytes]]:
    status = rule.status or 500
    issue = Issue(code_of(status), f"The sandbox was asked to answer {status}")
    return {
        "operation-outcome": lambda: _fixed(outcome([issue]), FHIR_JSON),
        "html": lambda: _fixed(_PAGE, _HTML),
        "empty": lambda: _fixed(b"", ""),
        "text": lambda: _fixed(b"Something is wrong here", "text/plain; charset=utf-8"),
        "broken-json": lambda: _fixed(b'{"resourceType":"OperationOutcome","issue":[', FHIR_JSON),
    }[rule.body]()


def _huge(rule: FaultRule) -> tuple[Headers, Iterator[bytes]]:
    return {"Content-Type": FHIR_JSON}, _padded(rule.size_bytes)


def _bomb(rule: FaultRule) -> tuple[Headers, Iterator[bytes]]:
    packed = _packed(rule.size_bytes)
    headers, body = _fixed(packed, FHIR_JSON)
    return headers | {"Content-Encoding": "gzip"}, body


def _padded(size: int) -> Iterator[bytes]:
    left = max(0, size - len(_HEAD) - len(_TAIL))
    yield _HEAD
    for _ in range(left // _CHUNK):
        yield b"x" * _CHUNK
    yield b"x" * (left % _CHUNK)
    yield _TAIL


@lru_cache(maxsize=2)
def _packed(size: int) -> bytes:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    return b"".join(packer.compress(piece) for piece in _padded(size)) + packer.flush()


_KINDS: Final[Mapping[str, Callable[[FaultRule], tuple[Headers, Iterator[bytes]]]]] = {
    "status": _status,
    "not_json": lambda _: _fixed(b"this is not JSON", FHIR_JSON),
    "html": lambda _: _fixed(_PAGE, _HTML),
    "empty": lambda _: _fixed(b"", ""),
    "null": lambda _: _fixed(b"null", FHIR_JSON),
    "wrong_resource_type": lambda _: _fixed(b'{"resourceType":"Patient","id":"x"}', FHIR_JSON),
    "huge_body": _huge,
    "gzip_bomb": _bomb,
}
