"""The public keys of a token issuer (RFC 7517).

They are fetched when first needed, refreshed in the background, and fetched again for an unknown
key. Fetches are seconds apart, whatever keys the callers' tokens name.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import jwt

from group_gateway.errors import GatewayError, UpstreamUnavailable
from group_gateway.single_flight import SingleFlight
from group_gateway.upstream.json_endpoint import JsonEndpoint

_RENEWAL = 300.0
_PAUSE = 5.0
_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""Signatures by a private key. With `none` or a shared secret (HS…) anybody who knows public data
could sign."""


class KeySet:
    """An issuer's keys; the last good ones while the issuer is unreachable.

    `fresh_until` (by `clock`, in seconds) is when they must be fetched again. `generation` counts
    their changes.
    """

    def __init__(self, endpoint: JsonEndpoint, clock: Callable[[], float]) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._published: list[dict[str, Any]] = []
        self._keys: dict[tuple[str | None, str], jwt.PyJWK] = {}
        self._failed = False
        self._tried: float | None = None
        self._fetches: SingleFlight[str, None] = SingleFlight()
        self.fresh_until = 0.0
        self.generation = 0

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """Return the key with this id for one of ALGORITHMS; None if the issuer has none.

        Without an id it is the issuer's only key. Raises UpstreamUnavailable for an unknown key
        while the keys can't be fetched.
        """
        if self._clock() >= self.fresh_until:
            self._fetch_soon()
        key = self._key(kid, algorithm)
        if key is None:
            self._fetch_soon()
            if (fetch := self._fetches.joined(self._endpoint.url)) is not None:
                await asyncio.shield(fetch)
            key = self._key(kid, algorithm)
        if key is None and self._failed:
            raise UpstreamUnavailable("The keys of the tokens' issuer can't be fetched.")
        return key

    def _key(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        key = self._keys.get((kid, algorithm))
        if key is None:
            published = [k for k in self._published if kid is None or k.get("kid") == kid]
            fitting = [k for k in published if _fits(k, algorithm)]
            if not fitting or (kid is None and len(published) > 1):
                return None
            key = next(filter(None, (_made(each, algorithm) for each in fitting)), None)
            if key is not None:
                self._keys[kid, algorithm] = key
        return key

    def _fetch_soon(self) -> None:
        """Start to fetch, unless a fetch is in flight or was tried just now."""
        now = self._clock()
        if self._fetches.joined(self._endpoint.url) is None and (
            self._tried is None or not 0 <= now - self._tried < _PAUSE  # the clock may be set back
        ):
            self._tried = now
            self._fetches.start(self._endpoint.url, self._fetch)

    async def _fetch(self) -> None:
        try:
            published = usable_keys(await self._endpoint.get())
        except GatewayError:
            published = []
        self._failed = not published
        self.fresh_until = self._clock() + (_PAUSE if self._failed else _RENEWAL)
        if published and published != self._published:
            self._published = published
            self._keys.clear()
            self.generation += 1


def usable_keys(answer: tuple[int, Any]) -> list[dict[str, Any]]:
    """Return the signature keys of a JWK set; none if the value is no key set."""
    status, body = answer
    keys = body.get("keys") if isinstance(body, dict) else None
    if status != 200 or not isinstance(keys, list):  # noqa: PLR2004 - OK
        return []
    return [
        key
        for key in keys
        if isinstance(key, dict)
        and key.get("kty") in _KEY_TYPES.values()
        and key.get("use", "sig") == "sig"
        and _verifies(key.get("key_ops"))
    ]


def _verifies(operations: object) -> bool:
    """Return whether a key's operations, if it names any, include verification."""
    return not isinstance(operations, list) or "verify" in operations


def _made(key: dict[str, Any], algorithm: str) -> jwt.PyJWK | None:
    try:
        made = jwt.PyJWK(key, algorithm)
    except (jwt.PyJWTError, TypeError, ValueError):
        return None
    return made


def _fits(key: dict[str, Any], algorithm: str) -> bool:
    return (
        key.get("kty") == _KEY_TYPES[algorithm[:2]]
        and key.get("alg", algorithm) == algorithm
        and (algorithm not in _CURVES or key.get("crv") == _CURVES[algorithm])
    )
