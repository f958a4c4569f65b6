"""Cross-origin resource sharing: what other sites' pages may send and read (WHATWG Fetch).

A browser sends a JSON POST, or any request with an Authorization header, to another site only after
a preflight. GETs without that header, and WebSockets, need checks of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from group_gateway.errors import RequestCode
from group_gateway.http.forwarded import TrustedProxies, own_origins
from group_gateway.http.negotiation import JSON
from group_gateway.http.origins import AllowedOrigins
from group_gateway.http.requests import RequestRefused
from group_gateway.http.responses import CORRELATION_HEADER

# Browsers ask for permission before they send any of these to another site. Apollo's clients send
# the last two for this very purpose.
_PREFLIGHTED: Final = ("authorization", "apollo-require-preflight", "x-apollo-operation-name")
_ALWAYS: Final = frozenset({"accept", "content-type", "traceparent", "tracestate", *_PREFLIGHTED})
_FOREIGN: Final = frozenset({"cross-site", "same-site"})
_EXPOSED: Final = b", ".join([CORRELATION_HEADER, b"etag", b"retry-after"])
_MAX_AGE: Final = b"7200"  # Chromium's limit
_METHODS: Final = b"GET, POST"
_VARY: Final = (
    b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers,"
    b" Access-Control-Request-Private-Network"
)
_REQUESTED: Final = "access-control-request-"


@dataclass(frozen=True, slots=True)
class CrossOriginPolicy:
    """The origins whose pages may send requests, and the headers that they may send.

    Without `headers` they may send any: the origin is what is checked, and header names are no
    secret. `proxies` are trusted to say under which host a client reached the gateway.
    """

    origins: AllowedOrigins = field(default_factory=AllowedOrigins)
    headers: frozenset[str] = frozenset()
    proxies: TrustedProxies = field(default_factory=TrustedProxies)

    def response_headers(self, origin: str | None) -> list[tuple[bytes, bytes]]:
        """Return the headers that let a page of an allowed origin read a response."""
        if origin not in self.origins or origin is None:
            return []
        return [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", _EXPOSED),
        ]

    def preflight(self, headers: Headers) -> "Preflight":
        """Return the response to a preflight.

        Credentials are not allowed, because the gateway reads no cookie. The response to a page
        that is not allowed has a sentence for the reader of the network log.
        """
        allowed = self.response_headers(headers.get("origin"))
        if not allowed:
            said = b"This origin may not send requests: name it in GROUP_GATEWAY_CORS_ORIGINS.\n"
            return Preflight(HTTPStatus.BAD_REQUEST, [(b"vary", _VARY)], said)
        shown = [
            (b"vary", _VARY),
            allowed[0],
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-max-age", _MAX_AGE),
        ]
        if requested := headers.get(f"{_REQUESTED}headers"):
            shown.append((b"access-control-allow-headers", self._allowed_headers(requested)))
        if headers.get(f"{_REQUESTED}private-network") == "true":
            shown.append((b"access-control-allow-private-network", b"true"))
        return Preflight(HTTPStatus.OK, shown)

    def _allowed_headers(self, requested: str) -> bytes:
        names = sorted(self.headers | _ALWAYS) if self.headers else requested.split(",")
        return ", ".join(map(str.strip, names)).encode("latin-1")


@dataclass(frozen=True, slots=True)
class Preflight:
    """The response to a preflight."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""

    async def send(self, send: Send) -> None:
        """Send the response (ASGI)."""
        length = (b"content-length", b"%d" % len(self.body))
        kind = [(b"content-type", b"text/plain; charset=utf-8")] if self.body else []
        headers = [length, *kind, *self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class CrossOriginSharing:
    """Answer preflights, and let pages of allowed origins read an app's responses (ASGI)."""

    def __init__(self, app: ASGIApp, policy: CrossOriginPolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None:
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and f"{_REQUESTED}method" in headers:
            await self._policy.preflight(headers).send(send)
        else:
            allowed = self._policy.response_headers(origin)

            async def send_allowed(message: Message) -> None:
                if allowed and message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], *allowed]
                await send(message)

            await self._app(scope, receive, send_allowed)


def check_same_site(scope: Mapping[str, Any], policy: CrossOriginPolicy) -> None:
    """Raise RequestRefused for a GET that another site's page sent without a preflight.

    Browsers show this by Sec-Fetch-Site (W3C Fetch Metadata), older ones by Origin. Other programs
    send neither.
    """
    headers = Headers(raw=scope["headers"])
    if any(name in headers for name in _PREFLIGHTED) or _is_json(headers):
        return
    if headers.get("origin") in policy.origins:
        return
    if headers.get("sec-fetch-site") in _FOREIGN or not _is_own(scope, headers, policy):
        message = "Another site's page asks. Send apollo-require-preflight: true, or a POST."
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
        return True  # the browser knows the address that the page asked for, whatever proxies do
    own = own_origins(scope.get("client"), headers, policy.proxies)
    # An origin is scheme, host and port, and no more (RFC 6454, section 6.2); or any text at all.
    return origin.lower() in own or origin.lower().partition("://")[2] in own


def _is_json(headers: Headers) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == JSON
