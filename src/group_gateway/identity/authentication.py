"""Builds what the settings choose: how callers are known, and the gateway's own account."""

from collections.abc import Callable
from pathlib import Path

from group_gateway.access.anybody import Anybody
from group_gateway.access.apikeys import KeyCallers, read_keys
from group_gateway.access.callers import Callers
from group_gateway.access.keyset import KeySet
from group_gateway.access.knobs import AccessSettings
from group_gateway.access.passthrough import PassThrough
from group_gateway.access.tokens import TokenCallers, TokenRules
from group_gateway.cache.keys import KeyRing
from group_gateway.upstream.jsonendpoint import JsonEndpoint
from group_gateway.upstream.serviceaccount import ServiceAccount


def build_callers(
    settings: AccessSettings,
    keys: KeyRing,
    endpoint: Callable[[str], JsonEndpoint],
    clock: Callable[[], float],
) -> Callers:
    """Build what knows the callers; `endpoint` gives the way to a URL."""
    match settings.callers:
        case "pass-through":
            return PassThrough(keys, anonymous=settings.allow_anonymous)
        case "jwt":
            return TokenCallers(
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
            return KeyCallers(read_keys(Path(settings.api_keys_file)), keys)
        case "anybody":
            return Anybody(keys)


def build_account(
    settings: AccessSettings, upstream_url: str, endpoint: Callable[[str], JsonEndpoint]
) -> ServiceAccount | None:
    """Build the gateway's own account at the upstream, if the settings name one."""
    if not settings.service_client_id:
        return None
    form = {
        "client_id": settings.service_client_id,
        "client_secret": settings.service_client_secret,
        "scope": settings.service_scope,
    }
    given = {name: value for name, value in form.items() if value}
    return ServiceAccount(endpoint(settings.token_url(upstream_url)), given)
