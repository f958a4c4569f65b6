"""Cross-site request forgery: checks of requests that a browser sends without a preflight.

These are GETs without a header that needs a preflight, and WebSockets.
"""

from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import Headers

from group_gateway.errors import RequestCode
from group_gateway.http.cors import PREFLIGHTED, CrossOriginPolicy
from group_gateway.http.forwarded import own_origins
from group_gateway.http.negotiation import JSON
from group_gateway.http.requests import RequestRefused

_FOREIGN: Final = frozenset({"cross-site", "same-site"})


def check_same_site(scope: Mapping[str, Any], policy: CrossOriginPolicy) -> None:
    """Raise RequestRefused for a GET that another site's page sent without a preflight.

    Browsers show this by Sec-Fetch-Site (W3C Fetch Metadata), older ones by Origin. Other programs
    send neither.
    """
    headers = Headers(raw=scope["headers"])
    if any(name in headers for name in PREFLIGHTED) or _is_json(headers):
        return
    if headers.get("origin") in policy.origins:
        return
    if headers.get("sec-fetch-site") in _FOREIGN or not _is_own(scope, headers, policy):
        message = "Another site's page sent a GET: send apollo-require-preflight: true, or a POST."
        raise RequestRefused(message, 403, RequestCode.CROSS_SITE_REQUEST)


def check_origin(scope: Mapping[str, Any], policy: CrossOriginPolicy) -> None:
    """Raise RequestRefused for a WebSocket that another site's page opens.

    Browsers send no preflight for a WebSocket, but always an Origin. A page can't add headers of
    its own.
    """
    headers = Headers(raw=scope["headers"])
    if headers.get("origin") not in policy.origins and not _is_own(scope, headers, policy):
        message = (
            "The page's origin is not the gateway's host: name the origin in"
            " GROUP_GATEWAY_CORS_ORIGINS, or, where a proxy sends another Host, the proxy in"
            " GROUP_GATEWAY_TRUSTED_PROXIES and have it send X-Forwarded-Host."
        )
        raise RequestRefused(message, 403, RequestCode.CROSS_SITE_REQUEST)


def _is_own(scope: Mapping[str, Any], headers: Headers, policy: CrossOriginPolicy) -> bool:
    origin = headers.get("origin")
    if origin is None or headers.get("sec-fetch-site") == "same-origin":
        return True  # said by the browser, which knows the requested address behind any proxy
    own = own_origins(scope.get("client"), headers, policy.proxies)
    # An origin is scheme, host and port, and no more (RFC 6454, section 6.2); or any text at all.
    return origin.lower() in own or origin.lower().partition("://")[2] in own


def _is_json(headers: Headers) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == JSON
