"""An issuer of tokens: it signs JWTs and publishes its keys over HTTP."""

import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ISSUER = "https://issuer.test/"
AUDIENCE = "https://gateway.test"
_MAKERS = {
    "RS": lambda: rsa.generate_private_key(65537, 2048),
    "PS": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "Ed": ed25519.Ed25519PrivateKey.generate,
}


@cache
def private_key(kid: str, algorithm: str) -> Any:  # noqa: ARG001 - the cache tells keys apart by it
    """Return the private key of that name, always the same."""
    return _MAKERS[algorithm if algorithm.startswith("ES") else algorithm[:2]]()


def published(kid: str, algorithm: str = "ES256", **more: Any) -> dict[str, Any]:
    """Return a public key as a JWK."""
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(
        private_key(kid, algorithm).public_key(), as_dict=True
    )
    made.pop("key_ops", None)
    return {**made, "kid": kid, "use": "sig", **more}


def signed(kid: str | None = "one", algorithm: str = "ES256", **claims: Any) -> str:
    """Sign a token; a claim that is None is left out."""
    now = int(time.time())
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ada",
        "iat": now,
        "exp": now + 600,
        "scope": "user/Group.*",
        **claims,
    }
    headers = {} if kid is None else {"kid": kid}
    payload = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(payload, private_key(kid or "one", algorithm), algorithm, headers)


@dataclass
class Issuer:
    """What the issuer publishes, as `/keys`, and how often it was asked."""

    keys: list[Any] = field(default_factory=lambda: [published("one")])
    status: int = 200
    asked: int = 0

    def app(self) -> Starlette:
        """Return the issuer's server."""
        return Starlette(routes=[Route("/keys", self._answer)])

    async def _answer(self, _: Request) -> Response:
        self.asked += 1
        return JSONResponse({"keys": self.keys}, self.status)
