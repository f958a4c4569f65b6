"""The gateway with a real Keycloak: its callers' tokens, and the service account's own."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cli.commands import Ended, run
from conftest import Sandbox
from frontdoor import Gateway
from identity.asking import CREATE, FOUND, NAME, code
from identity.conftest import Clock
from identity.issuer import private_key, published
from identity.served import served
from keycloak.resource_server import ResourceServer
from keycloak.server import AUDIENCE, GATEWAY_SECRET, TOKEN_LIFE, Keycloak, running

READ, ALL = "user/Group.read", "user/Group.*"


@pytest.fixture(scope="module")
def keycloak() -> Iterator[Keycloak]:
    """Run Keycloak with a realm."""
    with running() as keycloak:
        yield keycloak


@pytest.fixture
def fhir(keycloak: Keycloak, sandbox: Sandbox) -> ResourceServer:
    """Return a FHIR server that takes the realm's tokens."""
    return ResourceServer(keycloak, sandbox.app)


@pytest.fixture
async def upstream_url(fhir: ResourceServer) -> AsyncIterator[str]:
    """Yield the base URL of that server."""
    async with served(fhir) as url:
        yield url


@pytest.fixture
def by_token(keycloak: Keycloak) -> dict[str, Any]:
    """Return the settings by which the realm's callers are known."""
    return {
        "callers": "jwt",
        "jwt_issuer": keycloak.issuer,
        "jwt_audience": AUDIENCE,
        "jwt_keys_url": keycloak.keys_url,
    }


@pytest.fixture
def service(keycloak: Keycloak) -> dict[str, str]:
    """Return the settings of a service account with a secret."""
    return {
        "service_client_id": "gateway",
        "service_client_secret": GATEWAY_SECRET,
        "service_scope": "system/Group.*",
        "service_token_url": keycloak.token_url,
    }


async def test_scopes_of_callers(gateway: Gateway, keycloak: Keycloak, fhir: Any) -> None:
    """A caller may do what its scope says, whatever the gateway's own token may do."""
    reader, writer = (keycloak.caller_token(scope) for scope in (READ, ALL))
    assert await gateway(NAME, token=reader) == FOUND
    assert code(await gateway(CREATE, token=reader)) == "FORBIDDEN"
    assert (await gateway(CREATE, token=writer))["data"]["createGroup"]["issues"] == []
    assert code(await gateway(NAME, token=keycloak.caller_token("openid"))) == "FORBIDDEN"
    assert set(fhir.clients) == {"gateway"}


async def test_tokens_that_are_not_for_the_gateway(gateway: Gateway, keycloak: Keycloak) -> None:
    """Another audience, a changed signature, and an id that the realm never gave are refused."""
    token = keycloak.caller_token(READ)
    head, claims, signature = token.split(".")
    forged = f"{head}.{claims}.{signature[:-8]}AAAAAAAA"
    for wrong in (keycloak.caller_token(READ, "stranger"), forged, jwt.encode({}, "x" * 64)):
        assert code(await gateway(NAME, token=wrong)) == "UNAUTHENTICATED"
    assert await gateway(NAME, token=token) == FOUND


async def test_a_token_ends(gateway: Gateway, keycloak: Keycloak, clock: Clock) -> None:
    """It is good until its `exp`, and not a minute longer, however often it was accepted."""
    token = keycloak.caller_token(READ)
    assert await gateway(NAME, token=token) == FOUND
    clock.ahead = TOKEN_LIFE + 60
    assert code(await gateway(NAME, token=token)) == "UNAUTHENTICATED"


async def test_the_realm_rotates_its_key(gateway: Gateway, keycloak: Keycloak, clock: Any) -> None:
    """Tokens by a key that is new are accepted without a restart, and those by the old one too."""
    before = keycloak.caller_token(READ)
    assert await gateway(NAME, token=before) == FOUND
    keycloak.rotate_key()
    after = keycloak.caller_token(READ)
    assert _kid(after) != _kid(before)
    clock.ahead = 10  # the keys were fetched just now: not again within a few seconds
    assert await gateway(NAME, token=after) == FOUND
    assert await gateway(NAME, token=before) == FOUND


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
async def test_a_service_account_with_a_key(  # noqa: PLR0913, PLR0917 - all that takes part
    open_gateway: Any,
    by_token: dict[str, Any],
    service: dict[str, str],
    keycloak: Keycloak,
    fhir: ResourceServer,
    tmp_path: Path,
    algorithm: str,
) -> None:
    """Keycloak takes the gateway's assertions, again and again."""
    account = service | keyed(keycloak, f"by-{algorithm}", algorithm, tmp_path)
    token = keycloak.caller_token(READ)
    for _ in range(2):
        gateway = await open_gateway(**by_token, **account)
        assert await gateway(NAME, token=token) == FOUND
    assert set(fhir.clients) == {f"by-{algorithm}"}


async def test_a_service_account_with_another_key(
    open_gateway: Any,
    by_token: dict[str, Any],
    service: dict[str, str],
    keycloak: Keycloak,
    tmp_path: Path,
) -> None:
    """A key that Keycloak does not know gives no token; the caller is not blamed."""
    keyed(keycloak, "known", "ES384", tmp_path)
    account = service | keyed(keycloak, "unknown", "ES384", tmp_path)
    account["service_client_id"] = "known"
    gateway = await open_gateway(**by_token, **account)
    answer = await gateway(NAME, token=keycloak.caller_token(READ))
    assert code(answer) == "UPSTREAM_UNAVAILABLE"


async def test_the_doctor(
    by_token: dict[str, Any],
    service: dict[str, str],
    keycloak: Keycloak,
    upstream_url: str,
    tmp_path: Path,
) -> None:
    """With a secret and with a key it finds nothing wrong; with a read-only scope it says so."""
    by_key = service | keyed(keycloak, "doctors", "RS384", tmp_path)
    for account in (service, by_key):
        ended = await _examined(upstream_url, {**by_token, **account})
        assert ended.status == 0, ended.out
        assert "ok    issuer's keys" in ended.out
        assert "ok    service account" in ended.out
        assert "ok    scopes" in ended.out


def keyed(keycloak: Keycloak, client: str, algorithm: str, folder: Path) -> dict[str, str]:
    """Add a client with a key, and return the settings of its service account."""
    file = folder / f"{client}.pem"
    file.write_bytes(_pem(client, algorithm))
    keycloak.add_key_client(client, json.dumps({"keys": [published(client, algorithm)]}))
    return {
        "service_client_id": client,
        "service_client_secret": "",
        "service_private_key_file": str(file),
        "service_key_id": client,
    }


async def _examined(url: str, settings: dict[str, str]) -> Ended:
    given = {name: value for name, value in settings.items() if isinstance(value, str)}
    return await asyncio.to_thread(run, "doctor", "--upstream-url", url, **given)


def _pem(name: str, algorithm: str) -> bytes:
    key = private_key(name, algorithm)
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])
