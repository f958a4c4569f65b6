"""Other sites' pages: what they may ask in a visitor's browser.

A POST is JSON, which a browser only sends to another site after a preflight, and so is whatever
carries an Authorization header. That leaves GETs without one.
"""

from collections.abc import Collection
from typing import Any, Final

from starlette.datastructures import Headers

from group_gateway.errors import RequestCode
from group_gateway.http.requests import JSON, RequestRefused
from group_gateway.http.responses import CORRELATION_HEADER

# Browsers ask for permission before they send any of these to another site. Apollo's clients send
# the last two for this very purpose.
_PREFLIGHTED: Final = ("authorization", "apollo-require-preflight", "x-apollo-operation-name")
_FOREIGN: Final = frozenset({"cross-site", "same-site"})


def cors_options(origins: Collection[str]) -> dict[str, Any]:
    """Give Starlette's CORSMiddleware its options. No cookie is ever taken, so none is allowed."""
    return {
        "allow_origins": list(origins),
        "allow_methods": ["GET", "POST"],
        "allow_headers": ["content-type", "traceparent", "tracestate", *_PREFLIGHTED],
        "expose_headers": [CORRELATION_HEADER.decode(), "retry-after"],
        "max_age": 3600,
    }


def check_same_site(headers: Headers, origins: Collection[str]) -> None:
    """Refuse a GET that another site's page sent without asking; raises RequestRefused.

    Browsers tell by Sec-Fetch-Site (W3C Fetch Metadata), those of old by Origin; programs send
    neither. `origins` are the other sites whose pages may ask.
    """
    if any(name in headers for name in _PREFLIGHTED) or _is_json(headers):
        return
    origin = headers.get("origin")
    if origin in origins:
        return
    if headers.get("sec-fetch-site") in _FOREIGN or not _is_own(origin, headers):
        message = "Another site's page asks. Send apollo-require-preflight: true, or a POST."
        raise RequestRefused(message, 403, RequestCode.CROSS_SITE_REQUEST)


def check_origin(headers: Headers, origins: Collection[str]) -> None:
    """Refuse a WebSocket that another site's page wants to open; raises RequestRefused.

    Browsers send no preflight for one, but always an Origin; a page can add no header of its own.
    """
    origin = headers.get("origin")
    if origin not in origins and not _is_own(origin, headers):
        message = "Another site's page asks. Name its origin in GROUP_GATEWAY_CORS_ORIGINS."
        raise RequestRefused(message, 403, RequestCode.CROSS_SITE_REQUEST)


def _is_own(origin: str | None, headers: Headers) -> bool:
    # It is scheme, host and port, and no more (RFC 6454, section 6.2); or any text at all.
    return origin is None or origin.partition("://")[2] == headers.get("host")


def _is_json(headers: Headers) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == JSON
