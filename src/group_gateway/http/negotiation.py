"""What a client asks of a response by its headers: media type, coding, parts, a trace. Pure."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

GRAPHQL_RESPONSE: Final = "application/graphql-response+json"
JSON: Final = "application/json"
PARTS: Final = "multipart/mixed"
_QUALITY = re.compile(r"(0(\.\d{0,3})?|1(\.0{0,3})?)", re.ASCII)  # RFC 9110, section 12.4.2
_ACCEPT: Final = b"accept"
_TRACE: Final = b"apollo-federation-include-trace"
_KEY: Final = b"x-router-key"


def media_type_for(accept: str | None) -> str | None:
    """Choose the media type of the answer; None when the client takes neither (RFC 9110, 12.5.1).

    The one of higher quality, else the one named first. A client that says nothing, or that
    anything goes, gets `application/json`, as older clients expect.
    """
    if not accept:
        return JSON
    ranges = _ranges(accept)
    weights = {offer: _weight(offer, ranges) for offer in (JSON, GRAPHQL_RESPONSE)}
    best = max(weights, key=weights.__getitem__)
    return best if weights[best].quality > 0 else None


def wants_html(accept: str | None) -> bool:
    """Return whether a browser asks for a page: it names HTML, before any form of JSON."""
    ranges = _ranges(accept or "")
    html = _weight("text/html", [r for r in ranges if r.type == "text/html"])
    return html.quality > 0 and html > max(_weight(JSON, ranges), _weight(GRAPHQL_RESPONSE, ranges))


def takes_parts(accept: str | None) -> bool:
    """Return whether a client names `multipart/mixed` as what it takes.

    One that asks for another form of parts than ours, such as Apollo's `deferSpec=20220824`, or
    for subscriptions, does not.
    """
    for part in (accept or "").split(","):
        media_type, *parameters = [piece.strip().lower() for piece in part.split(";")]
        if media_type != PARTS:
            continue
        named = dict(parameter.partition("=")[::2] for parameter in parameters)
        quality = named.get("q", "1")
        foreign = named.keys() & {"deferspec", "subscriptionspec"}
        version = named.get("incrementalspec", "v0.2")
        if not foreign and version == "v0.2" and _QUALITY.fullmatch(quality) and float(quality) > 0:
            return True
    return False


def takes(accept: str, media_type: str) -> bool:
    """Return whether a client names this very media type among those it takes."""
    return any(r.type == media_type and r.weight.quality > 0 for r in _ranges(accept))


class _Weight(NamedTuple):
    """How much a client wants a media type; `order` is higher for what it named earlier."""

    quality: float
    order: int


_UNWANTED = _Weight(0, 0)


@dataclass(frozen=True, slots=True)
class _MediaRange:
    type: str
    weight: _Weight


def qualities(header: str) -> dict[str, float]:
    """Return the qualities of what a header such as Accept-Encoding lists, by name."""
    return {each.type: each.weight.quality for each in reversed(_ranges(header))}


def _weight(offer: str, ranges: list[_MediaRange]) -> _Weight:
    """Weigh a media type by the most specific range that it falls into."""
    for pattern in (offer, f"{offer.partition('/')[0]}/*", "*/*"):
        weights = [entry.weight for entry in ranges if entry.type == pattern]
        if weights:
            return max(weights)
    return _UNWANTED


def _ranges(accept: str) -> list[_MediaRange]:
    """Take an Accept header apart; what is no media range is left out."""
    ranges = []
    for position, part in enumerate(accept.split(",")):
        media_type, *parameters = [piece.strip().lower() for piece in part.split(";")]
        quality = next((p[2:].strip() for p in parameters if p.startswith("q=")), "1")
        if _QUALITY.fullmatch(quality):
            ranges.append(_MediaRange(media_type, _Weight(float(quality), -position)))
    return ranges


@dataclass(frozen=True, slots=True)
class RequestedFormat:
    """`trace`: the answer is to hold a trace of its operation, for a router (Apollo's `ftv1`).

    `parts`: it may come in parts.
    """

    trace: bool = False
    parts: bool = False


WHOLE: Final = RequestedFormat()
"""The whole answer at once, and nothing else."""
_TRACED: Final = RequestedFormat(trace=True)
_IN_PARTS: Final = RequestedFormat(parts=True)
_takes_parts = lru_cache(32)(takes_parts)


class Negotiation:
    """Reads wishes from headers. `headers` are those it reads: none where nothing may be asked.

    `router_key` is what a router proves itself by, if any may ask for traces: times tell what was
    cached, and how the upstream fares. With `parts` answers may come so.
    """

    def __init__(self, router_key: str = "", *, parts: bool = False) -> None:
        self._key = router_key.encode()
        self._parts = parts
        self.headers = frozenset({_TRACE, _KEY} if router_key else ())
        self.headers |= frozenset({_ACCEPT} if parts else ())

    def of(self, headers: Mapping[bytes, str], http_version: str) -> RequestedFormat:
        """Return what the headers ask for, as far as they may.

        HTTP/1.0 has no bodies that come piece by piece.
        """
        if not self.headers:
            return WHOLE
        if self._key and headers.get(_TRACE) == "ftv1":
            key = headers.get(_KEY, "").encode("latin-1")
            return _TRACED if hmac.compare_digest(key, self._key) else WHOLE
        if self._parts and http_version != "1.0" and _takes_parts(headers.get(_ACCEPT)):
            return _IN_PARTS
        return WHOLE
