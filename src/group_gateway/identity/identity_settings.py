"""The settings of authentication, and the combinations that are valid."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

Mode = Literal["pass-through", "jwt", "api-keys", "anybody"]
_CANVAS, _FHIR_HOST = ".canvasmedical.com", "fumage-"


class AccessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How callers are authenticated, and which credential goes upstream. See ACCESS_SETTINGS."""

    callers: Mode = "pass-through"
    allow_anonymous: bool = False
    jwt_issuer: str = ""
    jwt_audience: str = ""
    jwt_keys_url: str = ""
    jwt_leeway: Annotated[float, Meta(ge=0, le=300)] = 10.0
    jwt_audit_claim: str = "sub"
    api_keys_file: str = ""
    service_client_id: str = ""
    service_client_secret: str = ""
    service_private_key_file: str = ""
    service_key_id: str = ""
    service_assertion_audience: str = ""
    service_scope: str = ""
    service_token_url: str = ""

    def account(self) -> tuple[str, ...]:
        """Return what identifies the service account, which decides what the upstream shows."""
        if not self.service_client_id:
            return ()
        return self.service_client_id, self.service_scope, self.service_token_url

    def token_url(self, upstream_url: str) -> str:
        """Return the service account's token endpoint; Canvas's follows from its base URL."""
        host = urlsplit(upstream_url).hostname or ""
        if not self.service_token_url and host.startswith(_FHIR_HOST) and host.endswith(_CANVAS):
            return f"https://{host.removeprefix(_FHIR_HOST)}/auth/token/"
        return self.service_token_url


ACCESS_SETTINGS: Mapping[str, str] = {
    "callers": "Authentication of callers: `pass-through`, `jwt`, `api-keys` or `anybody`.",
    "allow_anonymous": "Pass requests without a token on, to an upstream that needs none.",
    "jwt_issuer": "Issuer (`iss`) of the callers' tokens.",
    "jwt_audience": "Audience (`aud`) that a token must have.",
    "jwt_keys_url": "Address of the issuer's keys (JWKS).",
    "jwt_leeway": "Allowed clock difference to the issuer, in seconds.",
    "jwt_audit_claim": "Claim by which the audit log names a caller, such as `fhirUser`.",
    "api_keys_file": "File of API keys: lines of a name, the key's SHA-256, and scopes.",
    "service_client_id": "OAuth client id of the gateway's service account, if it has one.",
    "service_client_secret": "Secret of that client.",
    "service_private_key_file": "Private key (PEM or JWK) instead of the secret.",
    "service_key_id": "Id (`kid`) of that key at the token server; default: the JWK's own.",
    "service_assertion_audience": "Audience of assertions; default: the token endpoint.",
    "service_scope": "Scopes to request for it, such as `system/Group.read`.",
    "service_token_url": "Its token endpoint; default at Canvas: derived from the base URL.",
}
"""What each setting is for, as the reference of settings has it."""


def misfits(
    settings: AccessSettings, upstream_url: str, prefix: str, *, serving: bool
) -> Iterator[str]:
    """Yield a sentence for each setting that is missing beside others, or contradicts them."""
    has_service = bool(settings.service_client_id)
    for name in _missing(settings, upstream_url):
        yield f"{prefix}{name.upper()} is missing: {_NEEDS[name]}."
    mode = f"{prefix}CALLERS={settings.callers}"
    if serving and has_service and settings.callers == "pass-through":
        yield (
            "A service account would let everybody in: set"
            f" {prefix}CALLERS to jwt or api-keys, or to anybody if that is meant."
        )
    if not has_service and settings.callers in {"api-keys", "anybody"}:
        yield f"{mode} needs a service account: set {prefix}SERVICE_CLIENT_ID."
    if settings.service_client_secret and settings.service_private_key_file:
        yield (
            f"The service account has a secret and a private key: set {prefix}SERVICE_CLIENT_SECRET"
            f" or {prefix}SERVICE_PRIVATE_KEY_FILE, not both."
        )
    if settings.allow_anonymous and settings.callers != "pass-through":
        yield f"{prefix}ALLOW_ANONYMOUS does not go with {mode}."


_NEEDS: Mapping[str, str] = {
    "jwt_issuer": "callers with a JWT are known by it",
    "jwt_audience": "callers with a JWT are known by it",
    "jwt_keys_url": "callers with a JWT are known by it",
    "api_keys_file": "callers with an API key are known by it",
    "service_client_secret": (
        "the service account gets no token without it, or without a private key"
    ),
    "service_token_url": "the service account gets no token without it",
}


def _missing(settings: AccessSettings, upstream_url: str) -> Iterator[str]:
    if settings.callers == "jwt":
        names = ("jwt_issuer", "jwt_audience", "jwt_keys_url")
        yield from (name for name in names if not getattr(settings, name))
    if settings.callers == "api-keys" and not settings.api_keys_file:
        yield "api_keys_file"
    has_key = bool(settings.service_private_key_file)
    if settings.service_client_id and not settings.service_client_secret and not has_key:
        yield "service_client_secret"
    # Without an upstream it is the sandbox, which has a token endpoint of its own.
    if settings.service_client_id and upstream_url and not settings.token_url(upstream_url):
        yield "service_token_url"
