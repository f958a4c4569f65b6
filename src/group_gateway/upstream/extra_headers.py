"""Headers that a deployment adds to each upstream call, such as an API key. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Final

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")
_RESERVED: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-exist",
        "if-none-match",
        "if-unmodified-since",
        "keep-alive",
        "proxy-authorization",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that the gateway sets itself or that belong to one connection."""


def parse_extra_headers(text: str) -> Mapping[str, str]:
    """Parse headers from a JSON object, or from `Name: value` pairs on lines or between `;`.

    Names are returned in lower case. Raises ValueError, whose text has the reason and repeats no
    value.
    """
    headers: dict[str, str] = {}
    for name, value in _pairs(text.strip()):
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError("it takes lines such as `X-Api-Key: abc`, or a JSON object of texts")
        if (lower := name.lower()) in _RESERVED:
            raise ValueError(f"{lower} is set by the gateway itself")
        if lower in headers:
            raise ValueError(f"{lower} is there twice")
        headers[lower] = value
    return headers


def _pairs(text: str) -> list[tuple[str, str]]:
    if text.startswith("{"):
        try:
            pairs = json.loads(text, object_pairs_hook=list)
        except ValueError:
            return [("", "")]
        return [(name, value if isinstance(value, str) else "") for name, value in pairs]
    lines = text.splitlines() if "\n" in text else text.split(";")
    pieces = [line.partition(":") for line in lines if line.strip()]
    return [(name.strip(), value.strip()) for name, _, value in pieces]
