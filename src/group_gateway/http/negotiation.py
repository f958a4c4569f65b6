"""Content negotiation: media type, coding, incremental delivery, a trace. Pure."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

GRAPHQL_RESPONSE: Final = "application/graphql-response+json"
JSON: Final = "application/json"
MULTIPART_MIXED: Final = "multipart/mixed"
_QUALITY = re.compile(r"0?\.\d{1,9}|0\.?|1(\.0*)?", re.ASCII)
"""RFC 9110, section 12.4.2, and what Java's client sends: `q=.2`."""
_LONGEST: Final = 1024
"""Characters of a header that are read. Browsers send 150; 60,000 items would take 0.2 seconds."""
_ACCEPT: Final = b"accept"
_TRACE: Final = b"apollo-federation-include-trace"
_KEY: Final = b"x-router-key"


def media_type_for(accept: str | None) -> str | None:
    """Choose the response's media type; None if the client accepts neither (RFC 9110, 12.5.1).

    The type of higher quality wins, then the one named first. Without an Accept header, or with
    `*/*`, it is `application/json`, as older clients expect.
    """
    if not accept:
        return JSON
    ranges = _ranges(accept)
    weights = {offer: _weight(offer, ranges) for offer in (JSON, GRAPHQL_RESPONSE)}
    best = max(weights, key=weights.__getitem__)
    return best if weights[best].quality > 0 else None


def wants_html(accept: str | None) -> bool:
    """Return whether a browser requests a page: it names HTML before any form of JSON."""
    ranges = _ranges(accept or "")
    html = _weight("text/html", [r for r in ranges if r.type == "text/html"])
    return html.quality > 0 and html > max(_weight(JSON, ranges), _weight(GRAPHQL_RESPONSE, ranges))


def accepts_multipart(accept: str | None) -> bool:
    """Return whether a client accepts `multipart/mixed`.

    A client that requests another format of payloads, such as Apollo's `deferSpec=20220824`, or one
    for subscriptions, does not.
    """
    for part in _items(accept or ""):
        media_type, *parameters = [piece.strip().lower() for piece in part.split(";")]
        if media_type != MULTIPART_MIXED:
            continue
        named = dict(parameter.partition("=")[::2] for parameter in parameters)
        quality = named.get("q", "1")
        foreign = named.keys() & {"deferspec", "subscriptionspec"}
        version = named.get("incrementalspec", "v0.2").strip('"')
        if not foreign and version == "v0.2" and _QUALITY.fullmatch(quality) and float(quality) > 0:
            return True
    return False


def takes(accept: str, media_type: str) -> bool:
    """Return whether a client names this very media type among those that it accepts."""
    return any(r.type == media_type and r.weight.quality > 0 for r in _ranges(accept))


class _Weight(NamedTuple):
    """The quality of a media type for a client; `order` is higher for what it named earlier."""

    quality: float
    order: int


_UNWANTED = _Weight(0, 0)


@dataclass(frozen=True, slots=True)
class _MediaRange:
    type: str
    weight: _Weight


def qualities(header: str) -> dict[str, float]:
    """Return the quality of each item of a header such as Accept-Encoding."""
    return {each.type: each.weight.quality for each in reversed(_ranges(header))}


def _weight(offer: str, ranges: list[_MediaRange]) -> _Weight:
    """Return the quality of a media type by the most specific range that matches.

    Java's client writes `*` for `*/*`.
    """
    for pattern in (offer, f"{offer.partition('/')[0]}/*", "*/*", "*"):
        weights = [entry.weight for entry in ranges if entry.type == pattern]
        if weights:
            return max(weights)
    return _UNWANTED


def _items(header: str) -> list[str]:
    """Split a header at its commas. Items beyond its longest length are ignored."""
    if len(header) > _LONGEST:
        header = header[:_LONGEST].rpartition(",")[0]
    return header.split(",")


def _ranges(accept: str) -> list[_MediaRange]:
    """Parse an Accept header; omit what is no media range."""
    ranges = []
    for position, part in enumerate(_items(accept)):
        media_type, *parameters = [piece.strip().lower() for piece in part.split(";")]
        quality = next((p[2:].strip() for p in parameters if p.startswith("q=")), "1")
        if _QUALITY.fullmatch(quality):
            ranges.append(_MediaRange(media_type, _Weight(float(quality), -position)))
    return ranges


@dataclass(frozen=True, slots=True)
class RequestedFormat:
    """The form of response that a request asks for.

    `trace`: with a trace of its operation, for a router (Apollo's `ftv1`). `multipart`: in several
    payloads if possible.
    """

    trace: bool = False
    multipart: bool = False


WHOLE: Final = RequestedFormat()
"""The whole result in one body, and nothing else."""
_TRACED: Final = RequestedFormat(trace=True)
_MULTIPART: Final = RequestedFormat(multipart=True)
_accepts_multipart = lru_cache(32)(accepts_multipart)


class Negotiation:
    """Read the requested format from headers.

    `headers` are the names that are read: none where nothing is negotiable. `router_key` is the
    secret by which a router may request traces; without the secret nobody may, because a trace
    shows what was cached and how the upstream performs. `incremental` allows incremental delivery.
    """

    def __init__(self, router_key: str = "", *, incremental: bool = False) -> None:
        self._key = router_key.encode()
        self._incremental = incremental
        self.headers = frozenset({_TRACE, _KEY} if router_key else ())
        self.headers |= frozenset({_ACCEPT} if incremental else ())

    def of(self, headers: Mapping[bytes, str], http_version: str) -> RequestedFormat:
        """Return the format that the headers request, as far as it is allowed.

        HTTP/1.0 has no chunked bodies, so no incremental delivery.
        """
        if not self.headers:
            return WHOLE
        if self._key and headers.get(_TRACE) == "ftv1":
            key = headers.get(_KEY, "").encode("latin-1")
            return _TRACED if hmac.compare_digest(key, self._key) else WHOLE
        if self._incremental and http_version != "1.0" and _accepts_multipart(headers.get(_ACCEPT)):
            return _MULTIPART
        return WHOLE
