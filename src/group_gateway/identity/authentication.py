"""Build what the settings choose: the authenticator, and the gateway's service account."""

from collections.abc import Callable
from pathlib import Path

from group_gateway.digests import DigestKeys
from group_gateway.identity.api_keys import ApiKeyAuthenticator
from group_gateway.identity.authenticator import Authenticator
from group_gateway.identity.identity_settings import AccessSettings
from group_gateway.identity.jwt_bearer import JwtAuthenticator, TokenRules
from group_gateway.identity.key_set import KeySet
from group_gateway.identity.open_access import OpenAccess
from group_gateway.identity.pass_through import PassThroughAuthenticator
from group_gateway.upstream.client_assertion import ClientAssertion
from group_gateway.upstream.json_endpoint import JsonEndpoint
from group_gateway.upstream.service_account import ServiceAccount


def build_authenticator(
    settings: AccessSettings,
    keys: DigestKeys,
    endpoint: Callable[[str], JsonEndpoint],
    clock: Callable[[], float],
) -> Authenticator:
    """Build the authenticator. `endpoint` makes the client for a URL."""
    match settings.callers:
        case "pass-through":
            return PassThroughAuthenticator(keys, anonymous=settings.allow_anonymous)
        case "jwt":
            return JwtAuthenticator(
                KeySet(endpoint(settings.jwt_keys_url), clock),
                TokenRules(
                    settings.jwt_issuer,
                    settings.jwt_audience,
                    settings.jwt_leeway,
                    settings.jwt_audit_claim,
                ),
                keys,
                clock,
                passes_on=not settings.service_client_id,
            )
        case "api-keys":
            return ApiKeyAuthenticator(Path(settings.api_keys_file), keys)
        case "anybody":
            return OpenAccess(keys)


def build_account(
    settings: AccessSettings, upstream_url: str, endpoint: Callable[[str], JsonEndpoint]
) -> ServiceAccount | None:
    """Build the gateway's service account at the upstream, if the settings name one."""
    if not settings.service_client_id:
        return None
    form = {
        "client_id": settings.service_client_id,
        "client_secret": settings.service_client_secret,
        "scope": settings.service_scope,
    }
    given = {name: value for name, value in form.items() if value}
    url = settings.token_url(upstream_url)
    if not settings.service_private_key_file:
        return ServiceAccount(endpoint(url), given)
    assertion = ClientAssertion(
        settings.service_client_id,
        settings.service_assertion_audience or url,
        Path(settings.service_private_key_file),
        settings.service_key_id,
    )
    return ServiceAccount(endpoint(url), given, assertion=assertion)
