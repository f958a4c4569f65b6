"""A token server that knows its clients by their signed assertions (RFC 7523, section 2.2)."""

import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from group_gateway.sandbox.wellknown import TOKEN

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = 300  # seconds, by SMART Backend Services


@dataclass
class TokenServer:
    """Issues the sandbox's token to the client `gateway`; `keys` are its public ones, by `kid`."""

    keys: dict[str | None, Any]
    audience: str = ""
    forms: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, Any]] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)

    def app(self) -> Starlette:
        """Return the server."""
        return Starlette(routes=[Route("/token", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        self.forms.append(form)
        if form.get("client_assertion_type") != ASSERTION or not self._knows(
            form["client_assertion"], self.audience or str(request.url)
        ):
            return JSONResponse({"error": "invalid_client"}, 401)
        return JSONResponse({"access_token": TOKEN, "token_type": "bearer", "expires_in": 1})

    def _knows(self, assertion: str, audience: str) -> bool:
        header = jwt.get_unverified_header(assertion)
        try:
            claims = jwt.decode(
                assertion,
                self.keys[header.get("kid")],
                [header["alg"]],
                audience=audience,
                issuer="gateway",
                options={"require": ["iss", "sub", "aud", "exp", "jti"]},
            )
        except (KeyError, jwt.PyJWTError):
            return False
        fresh = claims["jti"] not in {known["jti"] for known in self.claims}
        self.headers.append(header)
        self.claims.append(claims)
        return fresh and claims["sub"] == "gateway" and claims["exp"] <= time.time() + LONGEST_LIFE
