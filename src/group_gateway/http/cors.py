"""Cross-origin resource sharing: what other sites' pages may send and read (WHATWG Fetch).

A browser sends a JSON POST, or any request with an Authorization header, to another site only after
a preflight. `csrf` checks the requests that need no preflight.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from group_gateway.http.forwarded import TrustedProxies
from group_gateway.http.origins import AllowedOrigins
from group_gateway.http.responses import CORRELATION_HEADER

PREFLIGHTED: Final = ("authorization", "apollo-require-preflight", "x-apollo-operation-name")
"""Headers that a browser sends to another site only after a preflight. Apollo's clients send the
last two for this purpose."""
_ALWAYS: Final = frozenset({"accept", "content-type", "traceparent", "tracestate", *PREFLIGHTED})
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
