"""Signed JWTs that authenticate the gateway at a token endpoint (`private_key_jwt`).

RFC 7523, section 2.2, as SMART Backend Services profiles it: RS384 or ES384, a `kid`, a lifetime of
at most five minutes.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME = 240
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_LEAST_RSA_BITS = 2048


class NotASigningKey(ValueError):
    """The file holds no private key to sign with. The text says why, without the file's content."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, its algorithm, and its id where the file names one."""

    key: Any
    algorithm: str
    key_id: str | None


def read_signing_key(path: Path) -> SigningKey:
    """Read a private key: PEM, or a JWK or JWKS in JSON.

    Raises OSError when the file is unreadable, NotASigningKey when it holds no such key.
    """
    content = path.read_bytes()
    if content.lstrip()[:1] == b"{":
        return _from_json(content)
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError:
        raise NotASigningKey("is encrypted with a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise NotASigningKey("holds no private key in PEM or JWK form") from None
    return SigningKey(key, _algorithm_of(key), None)


def _from_json(content: bytes) -> SigningKey:
    try:
        said = json.loads(content)
    except ValueError:
        raise NotASigningKey("holds no private key in PEM or JWK form") from None
    keys = said["keys"] if isinstance(said.get("keys"), list) else [said]
    private = [key for key in keys if isinstance(key, dict) and "d" in key]
    if len(private) != 1:
        raise NotASigningKey(f"holds {len(private)} private keys, and should hold one")
    try:
        key = jwt.PyJWK.from_dict({**private[0], "alg": _ANY_OF[str(private[0].get("kty"))]}).key
    except (jwt.PyJWTError, KeyError, ValueError, TypeError):
        raise NotASigningKey("holds a JWK that can't be used") from None
    key_id = private[0].get("kid")
    return SigningKey(key, _algorithm_of(key), key_id if isinstance(key_id, str) else None)


_ANY_OF = {"RSA": "RS384", "EC": "ES384", "OKP": "EdDSA"}
"""An algorithm by which PyJWT parses a JWK of this type; the key itself then decides."""


def _algorithm_of(key: object) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < _LEAST_RSA_BITS:
            raise NotASigningKey(f"holds an RSA key of less than {_LEAST_RSA_BITS} bits")
        return "RS384"
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    raise NotASigningKey("holds a key of a kind that no token endpoint takes")


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """Make the parameters that authenticate a client by its private key.

    The file is read each time, so that a replaced key is used without a restart.
    """

    client_id: str
    audience: str
    key_file: Path
    key_id: str = ""
    clock: Callable[[], float] = time.time

    def parameters(self) -> Mapping[str, str]:
        """Return the parameters with a new assertion; raise OSError or NotASigningKey."""
        signing = read_signing_key(self.key_file)
        now = int(self.clock())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "jti": secrets.token_urlsafe(24),
            "iat": now,
            "exp": now + _LIFETIME,
        }
        key_id = self.key_id or signing.key_id
        headers = {"kid": key_id} if key_id else None
        assertion = jwt.encode(claims, signing.key, signing.algorithm, headers)
        return {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": assertion}
