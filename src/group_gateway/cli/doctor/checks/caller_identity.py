"""Checks of the service account's token, and of the keys of the callers' issuer."""

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from group_gateway.cli.doctor.checks.connection_errors import why_silent
from group_gateway.cli.doctor.findings import Finding, fail, ok
from group_gateway.config import PREFIX, Settings
from group_gateway.errors import GatewayError
from group_gateway.identity.authentication import build_account
from group_gateway.identity.key_set import usable_keys
from group_gateway.upstream.json_endpoint import JsonEndpoint
from group_gateway.upstream.service_account import KEY_UNUSABLE, TokenRefused
from group_gateway.upstream.transport.httpx_transport import UpstreamTransport

_ACCOUNT, _KEYS = "service account", "issuer's keys"
_REMEDIES = {
    "invalid_client": f"Check {PREFIX}SERVICE_CLIENT_ID and {PREFIX}SERVICE_CLIENT_SECRET.",
    KEY_UNUSABLE: f"Check {PREFIX}SERVICE_PRIVATE_KEY_FILE.",
    "unauthorized_client": "The client must be allowed the client credentials grant.",
    "invalid_scope": f"Check {PREFIX}SERVICE_SCOPE.",
}
_KEY_REMEDY = (
    f"Check {PREFIX}SERVICE_CLIENT_ID, that the token server knows the public half of"
    f" {PREFIX}SERVICE_PRIVATE_KEY_FILE, by the id in {PREFIX}SERVICE_KEY_ID, and this machine's"
    " clock."
)


@dataclass(frozen=True, slots=True)
class Credential:
    """A bearer token and the scopes that came with it, if any were named."""

    token: str
    scope: str = ""


async def service_account(settings: Settings) -> tuple[Finding, Credential | None]:
    """Check that the token endpoint issues a token; return that too."""
    network = UpstreamTransport(ca_file=settings.upstream_ca_file or None)
    endpoint = partial(JsonEndpoint, transport=network, timeout=settings.upstream_timeout)
    account = build_account(settings, settings.upstream_url, endpoint)
    if account is None:
        return fail(_ACCOUNT, "There is none in the settings."), None
    try:
        token = await account.token()
    except GatewayError as failure:
        return _no_token(failure, settings), None
    finally:
        await network.aclose()
    text = f"The token endpoint gives a token, good for {token.life:.0f} seconds."
    scope = token.scope or settings.service_scope
    return ok(_ACCOUNT, text), Credential(token.authorization.removeprefix("Bearer "), scope)


def _no_token(failure: GatewayError, settings: Settings) -> Finding:
    elsewhere = f"Check {PREFIX}SERVICE_TOKEN_URL."
    if isinstance(failure.__cause__, TokenRefused):
        reason = failure.__cause__.reason
        text = f"The token endpoint gives no token: {reason}."
        by_key = reason == "invalid_client" and settings.service_private_key_file
        return fail(_ACCOUNT, text, _KEY_REMEDY if by_key else _REMEDIES.get(reason, elsewhere))
    url = settings.token_url(settings.upstream_url)
    text, _ = why_silent(failure, url, settings.upstream_timeout)
    return fail(_ACCOUNT, text, elsewhere)


async def issuers_keys(settings: Settings) -> Finding:
    """Check that the issuer of the callers' tokens publishes keys."""
    network = UpstreamTransport(ca_file=settings.upstream_ca_file or None)
    url, remedy = settings.jwt_keys_url, f"Check {PREFIX}JWT_KEYS_URL."
    try:
        answer = await JsonEndpoint(url, network, timeout=settings.upstream_timeout).get()
    except GatewayError as failure:
        return fail(_KEYS, why_silent(failure, url, settings.upstream_timeout)[0], remedy)
    finally:
        await network.aclose()
    keys = usable_keys(answer)
    if not keys:
        what = "no keys" if answer[0] == HTTPStatus.OK else f"status {answer[0]}"
        return fail(_KEYS, f"The issuer's keys can't be read: {what}.", remedy)
    return ok(_KEYS, f"The issuer publishes keys for signatures: {len(keys)}.")
