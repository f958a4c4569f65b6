"""JSON Web Tokens: callers authenticated by their issuer's signature (RFC 7519, 8725)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from group_gateway.bounded_lru import BoundedLRU
from group_gateway.digests import DigestKeys
from group_gateway.errors import Unauthenticated, UpstreamUnavailable
from group_gateway.fhir.literal_reference import parse_reference
from group_gateway.identity.authenticator import NO_TOKEN, bearer_token
from group_gateway.identity.key_set import ALGORITHMS, KeySet
from group_gateway.identity.pass_through import passed_on
from group_gateway.identity.scopes import readable_types, rights_of, scopes_in
from group_gateway.operation import Anonymous, Caller, Principal

_MOST_KEPT = 4096
_LONGEST_NAME = 256
_CLAIMS = ["exp", "iss", "aud", "sub"]
_REASONS: Mapping[type[Exception], str] = {
    jwt.ExpiredSignatureError: "The token has expired.",
    jwt.ImmatureSignatureError: "The token is not valid yet.",
    jwt.InvalidIssuerError: "The token is another issuer's.",
    jwt.InvalidAudienceError: "The token is for another audience.",
    jwt.MissingRequiredClaimError: "The token lacks one of the claims exp, iss, aud and sub.",
}
_BROKEN = "The token is not one of those that are accepted here."


@dataclass(frozen=True, slots=True)
class TokenRules:
    """The required claims of a token. `leeway` is the allowed clock difference in seconds.

    `named_by` is the claim that names the caller in the audit log.
    """

    issuer: str
    audience: str
    leeway: float
    named_by: str = "sub"


@dataclass(frozen=True, slots=True)
class _Verified:
    caller: Caller
    end: float
    generation: int


class JwtAuthenticator:
    """Authenticate callers by a JWT.

    With `passes_on` the verified token goes upstream, which decides what it allows. Otherwise the
    token's scopes decide, and issuer, subject and rights tell callers apart.
    """

    def __init__(
        self,
        keyset: KeySet,
        rules: TokenRules,
        keys: DigestKeys,
        clock: Callable[[], float],
        *,
        passes_on: bool,
    ) -> None:
        self._keyset = keyset
        self._rules = rules
        self._keys = keys
        self._clock = clock
        self._passes_on = passes_on
        # Verified tokens only, so that junk can't push them out.
        self._verified: BoundedLRU[str | None, _Verified] = BoundedLRU(max_entries=_MOST_KEPT)

    @property
    def problem(self) -> None:
        """See Authenticator. This mode has no problems."""
        return

    def cached(self, authorization: str | None) -> Caller | None:
        """See Authenticator.

        A token is verified once, and again when it expires or the keys change.
        """
        verified = self._verified.get(authorization)
        if verified is None:
            return None
        now = self._clock()
        if now >= verified.end or now >= self._keyset.fresh_until:
            return None
        return verified.caller if verified.generation == self._keyset.generation else None

    async def authenticate(self, authorization: str | None) -> Principal:
        """See Authenticator."""
        token = bearer_token(authorization or "")
        if token is None:
            return NO_TOKEN
        try:
            claims = await self._claims(token)
            end = claims["exp"] + self._rules.leeway
            caller = self._caller(token, claims, end)
        except UpstreamUnavailable as failure:
            return Anonymous(UpstreamUnavailable, failure.message)
        except (jwt.PyJWTError, ArithmeticError, RecursionError, TypeError, ValueError) as error:
            return Anonymous(Unauthenticated, _REASONS.get(type(error), _BROKEN))
        verified = _Verified(caller, end, self._keyset.generation)
        self._verified.put(authorization, verified)
        return verified.caller

    async def _claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a valid token; raise jwt.PyJWTError or another error if invalid."""
        header = jwt.get_unverified_header(token)
        kid, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError
        key = await self._keyset.find(kid, algorithm)
        if key is None:
            raise jwt.InvalidKeyError
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            [algorithm],
            audience=self._rules.audience,
            issuer=self._rules.issuer,
            leeway=self._rules.leeway,
            options={"require": _CLAIMS, "enforce_minimum_key_length": True},
        )
        if not claims["sub"]:  # all callers without it would be one caller
            raise jwt.MissingRequiredClaimError("sub")
        if claims["exp"] + self._rules.leeway <= self._clock():
            raise jwt.ExpiredSignatureError
        return claims

    def _caller(self, token: str, claims: Mapping[str, Any], end: float) -> Caller:
        identity = identity_of(claims, self._rules.named_by)
        fhir_user = fhir_user_of(claims)
        if self._passes_on:
            return passed_on(token, self._keys, identity, end, fhir_user)
        scopes = scopes_in(claims)
        rights, readable = rights_of(scopes), readable_types(scopes)
        words = (*sorted(rights), *sorted(readable))
        scope = self._keys.digest("jwt", claims["iss"], claims["sub"], fhir_user or "", *words)
        return Caller(
            scope,
            rights=rights,
            readable=readable,
            identity=identity,
            until=end,
            fhir_user=fhir_user,
        )


def fhir_user_of(claims: Mapping[str, Any]) -> str | None:
    """Return the reference in `fhirUser` (SMART App Launch, section 4.0.8.1); None without one."""
    claim = claims.get("fhirUser")
    return claim if isinstance(claim, str) and parse_reference(claim) is not None else None


def identity_of(claims: Mapping[str, Any], named_by: str) -> dict[str, str]:
    """Return the identity that a token states: issuer, client and a claim, usually the subject.

    Values that are not text of a usual length are omitted. So is a reference to a patient, such as
    a `fhirUser` may be: the audit log names no patient.
    """
    said = {
        "issuer": claims["iss"],
        "client": claims.get("client_id", claims.get("azp")),  # RFC 9068; OpenID Connect
        "subject": claims.get(named_by),
    }
    return {name: value for name, value in said.items() if _may_be_named(value)}


def _may_be_named(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_NAME and "Patient/" not in value
